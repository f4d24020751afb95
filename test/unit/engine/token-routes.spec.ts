import { describe, expect, it } from '@jest/globals';

import type { ReleaseRetrier } from '../../../lib/engine/store/release-retrier.js';
import { TokenRoutes } from '../../../lib/engine/store/token-routes.js';

function setUp() {
  const givenBack: string[] = [];
  const releaser = {
    discard: (key: string, token: string) => void givenBack.push(`${key} ${token}`),
  } as Partial<ReleaseRetrier> as ReleaseRetrier;
  const nothing = (): void => {};
  const connection = { unreachable: nothing, troubled: nothing, reconnected: nothing };
  return { routes: new TokenRoutes(releaser, connection), givenBack };
}

describe('a lock of this process that others doubt', () => {
  it('is given back when nobody here has it any more', () => {
    const { routes, givenBack } = setUp();
    routes.watch('mine', {});
    routes.forget('mine');

    routes.doubted('mine', 'order:7');

    expect(givenBack).toEqual(['order:7 mine']);
  });

  it('is kept as long as somebody has it', () => {
    const { routes, givenBack } = setUp();
    routes.watch('mine', {});

    routes.doubted('mine', 'order:7');

    expect(givenBack).toEqual([]);
  });
});
