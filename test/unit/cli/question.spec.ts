import { PassThrough } from 'node:stream';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { ask } from '../../../lib/cli/question.js';
import { Gate } from '../../support/gate.js';

let input: PassThrough;
let output: PassThrough;
beforeEach(() => {
  input = new PassThrough();
  output = Object.assign(new PassThrough(), { isTTY: true });
});

describe('a question at a terminal', () => {
  it.each([
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
  ])('takes %j for %s', async (typed, answer) => {
    const asked = ask('Release it?', { input, output }, () => {});
    input.write(typed);

    expect(await asked).toBe(answer);
    expect(String(output.read())).toContain('Release it?');
  });

  it('tells of Ctrl-C, which never becomes a signal there', async () => {
    const interrupted = new Gate();
    const asked = ask('Release it?', { input, output }, () => interrupted.open());
    input.write('\u0003');
    await interrupted.passed;
    input.write('n\n');

    expect(await asked).toBe(false);
  });
});
