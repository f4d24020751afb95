import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';

import { LockKeyError } from '../../../lib/engine/api/errors.js';
import { factsOf } from '../../../lib/nest/errors/facts.js';
import { LockKeyTemplate } from '../../../lib/nest/key/template.js';
import type { LockedCall } from '../../../lib/nest/key/locked.options.js';

const routed: Partial<LockedCall> = { context: {} as ExecutionContext };

function faultsOf(text: string): string[] {
  const problems: string[] = [];
  void new LockKeyTemplate(text, 'Orders.pay', problems);
  return problems;
}

function keyOf(text: string, call: Partial<LockedCall> = {}, args: unknown[] = []): string {
  const problems: string[] = [];
  const template = new LockKeyTemplate(text, 'Orders.pay', problems);
  expect(problems).toEqual([]);
  return template.resolve({ args, target: {}, method: 'pay', ...call }, args);
}

function errorOf(text: string, call: Partial<LockedCall> = {}, args: unknown[] = []): LockKeyError {
  try {
    keyOf(text, call, args);
  } catch (error) {
    if (error instanceof LockKeyError) return error;
    throw error;
  }
  throw new Error('The key was made.');
}

describe('a key template', () => {
  it('without parts is the same key for every call', () => {
    const template = new LockKeyTemplate('report:{{daily}}', 'Reports.run', []);

    expect(template.constant).toBe('report:{daily}');
    expect(template.positional).toBe(false);
  });

  it.each([
    ['order:{params.id}', 'order:7'],
    ['{body.user.address.id}', 'a1'],
    ['{body.items.1.sku}', 'second'],
    ['{headers.X-Tenant}:{query.page}', 'acme:2'],
    ['{user.id}:{ip}', 'u9:127.0.0.1'],
    ['{data.sku}:x', 'd:x'],
    ['{gql.id}', 'g'],
  ])('reads %s from the call', (text, key) => {
    const call = {
      params: { id: '7' },
      body: { user: { address: { id: 'a1' } }, items: [{ sku: 'first' }, { sku: 'second' }] },
      headers: { 'x-tenant': 'acme' },
      query: { page: '2' },
      user: { id: 'u9' },
      ip: '127.0.0.1',
      data: { sku: 'd' },
      gql: { id: 'g' },
    };

    expect(keyOf(text, call)).toBe(key);
  });

  it('reads arguments by position, and their properties', () => {
    expect(keyOf('{0}:{1.id}', {}, [7, { id: 'b' }])).toBe('7:b');
  });

  it.each([
    ['text', 'text'],
    [0, '0'],
    [-1.5, '-1.5'],
    [10n, '10'],
    [false, 'false'],
  ])('writes %p as text', (value, key) => {
    expect(keyOf('{0}', {}, [value])).toBe(key);
  });
});

describe('encoding', () => {
  it.each([
    ['1:2', '1%3A2'],
    ['100%', '100%25'],
    ['a b/c', 'a%20b%2Fc'],
    ['!fence', '%21fence'],
    ['{x}', '%7Bx%7D'],
    ['\n"', '%0A%22'],
    ['a_b.c~d-e', 'a_b.c~d-e'],
    ['größe', 'größe'],
    ['東京٣', '東京٣'],
    ['🔒', '%F0%9F%94%92'],
  ])('turns %p into %p', (value, encoded) => {
    expect(keyOf('{0}', {}, [value])).toBe(encoded);
  });

  it('keeps values apart from the keys of other templates', () => {
    expect(keyOf('a:{0}', {}, ['1:2'])).not.toBe(keyOf('a:{0}:{1}', {}, ['1', '2']));
    expect(keyOf('a:{0}', {}, ['1:2'])).not.toBe(keyOf('a:{0}', {}, ['1%3A2']));
  });
});

describe('a part that has no value', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['NaN', Number.NaN],
    ['of type object', {}],
    ['of type array', ['7']],
    ['of type object', new Date(0)],
    ['of type function', () => '7'],
    ['of type symbol', Symbol('7')],
    ['not well-formed text', '\ud800'],
  ])('stops the call: %s', (what, value) => {
    const error = errorOf('order:{params.id}', { params: { id: value } });

    expect(error).toMatchObject({ template: 'order:{params.id}', part: 'params.id' });
    expect(error.message).toBe(
      `@Locked on Orders.pay: key template "order:{params.id}": params.id is ${what}.`,
    );
  });

  it('is looked up among own properties only', () => {
    class Row {
      get id(): string {
        return '7';
      }
    }

    expect(errorOf('{0.id}', {}, [new Row()]).message).toContain('0.id is missing');
    expect(errorOf('{0.toString}', {}, [{}]).message).toContain('missing');
    expect(errorOf('{0.length}', {}, ['text']).message).toContain('missing');
  });

  it('of a call that was not routed says so', () => {
    const error = errorOf('order:{params.id}');

    expect(error.message).toContain('this call has no params');
    expect(factsOf(error).badRequest).toBeUndefined();
  });

  it('is the fault of the request when the call was routed', () => {
    expect(factsOf(errorOf('{params.id}', { ...routed, params: {} })).badRequest).toBe(true);
    expect(factsOf(errorOf('{0}', routed, [])).badRequest).toBe(true);
    expect(factsOf(errorOf('{0}', {}, [])).badRequest).toBeUndefined();
  });
});

describe('a malformed template', () => {
  it.each([
    ['order:{id}', 'names "id"; a part begins with params'],
    ['order:{}', 'names ""'],
    ['{0', 'has a lone "{"'],
    ['0}', 'has a lone "}"'],
    ['{params..id}', 'names "params..id", which is no path'],
    ['{body.__proto__.id}', 'names "body.__proto__.id", which is no path'],
    ['{01}', 'names "01"'],
    ['{-1}', 'names "-1"'],
    ['{ params.id}', 'names " params.id"'],
    ['a{0}', 'must separate {0} from what stands beside it by ":"'],
    ['{0}b', 'must separate {0}'],
    ['{0}{1}', 'must separate {0}'],
    ['{{{0}}}', 'must separate {0}'],
  ])('%s is explained', (text, why) => {
    expect(faultsOf(text).join('\n')).toContain(`key template ${JSON.stringify(text)} ${why}`);
  });

  it('names every fault', () => {
    expect(faultsOf('{x}:{0}y')).toHaveLength(2);
  });
});
