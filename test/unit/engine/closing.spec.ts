import { beforeEach, describe, expect, it } from '@jest/globals';

import { Processes, type Process } from './processes.js';

const NEVER = new Promise<never>(() => {});

let processes: Processes;
let silent: Process;
beforeEach(() => {
  processes = new Processes();
  silent = processes.open({ commandTimeout: '1000h', shutdownTimeout: '3s' });
});

function close(): { readonly isClosed: boolean } {
  const state = { isClosed: false };
  void silent.manager.close().then(() => (state.isClosed = true));
  return state;
}

describe('a shutdown while Redis is silent, whatever commandTimeout is', () => {
  it('waits 10 s for the answer to a release, and no longer', async () => {
    const lock = await silent.manager.acquire('k');
    silent.store.onRelease = () => NEVER;
    void lock.release();
    const state = close();
    await processes.clock.advance(9900);
    expect(state.isClosed).toBe(false);

    await processes.clock.advance(200);

    expect(state.isClosed).toBe(true);
  });

  it('waits as long for the answer to an attachment', async () => {
    const ticket = await (await silent.manager.acquire('k')).detach();
    silent.store.onMove = () => NEVER;
    const refused = expect(silent.manager.attach(ticket)).rejects.toMatchObject({
      code: 'LOCK_SHUTDOWN',
    });
    const state = close();
    await refused;
    await processes.clock.advance(9900);
    expect(state.isClosed).toBe(false);

    await processes.clock.advance(200);

    expect(state.isClosed).toBe(true);
  });

  it('ends at once when nothing is under way', async () => {
    const state = close();

    await processes.clock.advance(1);

    expect(state.isClosed).toBe(true);
  });
});
