import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { LockConfigError } from '../../../lib/engine/api/errors.js';
import { readTicket, writeTicket } from '../../../lib/engine/store/lock-ticket.js';
import { TokenMint } from '../../../lib/engine/store/token.js';

const DETACHED = {
  key: 'order:7 – ü, "quoted"',
  token: new TokenMint().next(2000, 1, 'Orders.pay'),
  fence: 1_700_000_000_000_123,
  lease: 30_000,
  minHoldLeft: 250,
};
const TICKET = writeTicket([DETACHED]);

/** A text with a check that fits it, whatever it says. */
function forged(entry: string): string {
  const content = `[${entry}]`;
  const text = Buffer.from(content).toString('base64url');
  const check = createHash('sha256').update(`lock-ticket.1.${text}`).digest().subarray(0, 9);
  return `lock-ticket.1.${text}.${check.toString('base64url')}`;
}

function refusalOf(text: unknown): string {
  try {
    readTicket(text);
  } catch (error) {
    if (!(error instanceof LockConfigError)) throw error;
    return error.message;
  }
  throw new Error('The text was read.');
}

describe('a ticket', () => {
  it('is a text of plain characters that says all of a lock', () => {
    expect(TICKET).toMatch(/^[\w.-]+$/);
    expect(readTicket(TICKET)).toEqual([DETACHED]);
  });

  it('says all of several locks, in their order', () => {
    const all = ['a', 'b', 'c'].map((key) => ({ ...DETACHED, key }));

    expect(readTicket(writeTicket(all))).toEqual(all);
  });

  it.each([
    ['nothing', undefined, /must be a string, got undefined/],
    ['null', null, /must be a string, got null/],
    ['a number', 7, /must be a string, got number/],
    ['an object that has the text', { toString: () => TICKET }, /must be a string, got object/],
    ['an empty text', '', /does not begin with "lock-ticket\."/],
    ['a word', 'ticket', /does not begin with/],
    ['a token', DETACHED.token, /does not begin with/],
    ['the name alone', 'lock-ticket', /does not begin with/],
    ['the ticket of something else', TICKET.replace('lock-', 'train-'), /does not begin with/],
    ['one in quotes', JSON.stringify(TICKET), /does not begin with/],
    ['one of a later version', TICKET.replace('.1.', '.2.'), /another version/],
    ['one without a content', 'lock-ticket.1', /cut or changed/],
    ['one with an empty content', 'lock-ticket.1..', /cut or changed/],
    ['one with something behind it', `${TICKET}.x`, /cut or changed/],
    ['one with a newline behind it', `${TICKET}\n`, /cut or changed/],
  ])('is not %s, and the error says why', (_, text, why) => {
    expect(refusalOf(text)).toMatch(why);
  });

  it('is not any beginning of one', () => {
    for (let length = 0; length < TICKET.length; length += 1)
      expect(() => readTicket(TICKET.slice(0, length))).toThrow(LockConfigError);
  });

  it('is not one with any character changed', () => {
    for (let i = 0; i < TICKET.length; i += 1) {
      const other = TICKET[i] === 'x' ? 'y' : 'x';
      expect(() => readTicket(TICKET.slice(0, i) + other + TICKET.slice(i + 1))).toThrow(
        LockConfigError,
      );
    }
  });

  const { key, token } = DETACHED;
  const content = [key, token, 1, 1, 1];
  it.each([
    ['no JSON', '[['],
    ['nothing', ''],
    ['no list', '{"0":"k"}'],
    ['a list of nothing', '[]'],
    ['null', 'null'],
    ['one key twice', `${JSON.stringify(content)},${JSON.stringify(content)}`],
    ['one good lock and a bad one', `${JSON.stringify(content)},[]`],
    ['a key that none can be', JSON.stringify(['!q:{k}', token, 1, 1, 1])],
    ['a key that is no text', JSON.stringify([{ key }, token, 1, 1, 1])],
    ['a holder that is none of ours', JSON.stringify([key, 'somebody', 1, 1, 1])],
    ['a rest of a minHold', JSON.stringify([key, `~${token}`, 1, 1, 1])],
    ['too few numbers', JSON.stringify([key, token, 1, 1])],
    ['a fence that is none', JSON.stringify([key, token, '1', 1, 1])],
    ['a lease below zero', JSON.stringify([key, token, 1, -1, 1])],
    ['a number out of range', `[${JSON.stringify(key)},${JSON.stringify(token)},1e300,1,1]`],
    ['an object’s prototype', `[{"__proto__":{"polluted":1}},${JSON.stringify(token)},1,1,1]`],
  ])('is not one that was made up with %s', (_, content) => {
    expect(refusalOf(forged(content))).toMatch(/cut or changed/);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is never shown by the error', () => {
    for (const text of [TICKET.slice(0, -1), TICKET.replace('.1.', '.9.'), `x${TICKET}`]) {
      const message = refusalOf(text);
      expect(message).not.toContain(TICKET.split('.')[2]!.slice(0, 8));
      expect(message).not.toContain(token);
    }
  });
});
