import 'reflect-metadata';

import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Observable } from 'rxjs';

import { LockKeyError } from '../../../lib/engine/api/errors.js';
import { factsOf } from '../../../lib/nest/errors/facts.js';
import { LockKeyTemplate } from '../../../lib/nest/key/template.js';
import type { LockedCall } from '../../../lib/nest/key/locked.options.js';

/** An HTTP call whose handler has parameters from these decorators, by Nest's number. */
function routed(
  parameters: Record<string, object> = {},
  request: object = {},
): Partial<LockedCall> {
  class Orders {}
  Reflect.defineMetadata('__routeArguments__', parameters, Orders, 'pay');
  const context = {
    getType: () => 'http',
    getClass: () => Orders,
    switchToHttp: () => ({ getRequest: () => request }),
  };
  return { context: context as unknown as ExecutionContext };
}

function requestFault(text: string, call: Partial<LockedCall>, args: unknown[] = []) {
  return factsOf(errorOf(text, call, args)).requestFault;
}

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

it('no request is at fault for a part of what is no message: a stream, a buffer', () => {
  const message = { ...routed(), data: new Observable(), body: Buffer.from('x') };

  expect(requestFault('{data.id}', message)).toBeUndefined();
  expect(requestFault('{body.id}', message)).toBeUndefined();
});

describe('a key that is too long', () => {
  it.each([
    ['7'.repeat(600), 'order', 'In this request body.id is too long.'],
    ['7'.repeat(36), 'order'.repeat(100), undefined],
  ])('is the fault of the request where the value is most of it: %#', (id, text, fault) => {
    const call = { ...routed(), body: { id } };

    expect(errorOf(`${text}:{body.id}`, call).message).toContain('body.id is too long');
    expect(requestFault(`${text}:{body.id}`, call)).toBe(fault);
  });
});

describe('a key template', () => {
  it('without parts is the same key for every call', () => {
    const template = new LockKeyTemplate('report:{{daily', 'Reports.run', []);

    expect(template.shortest).toBe('report:{daily');
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
    ['an object', {}],
    ['an object', Object.create(null)],
    ['an array', ['7']],
    ['an object of class Date', new Date(0)],
    ['a function', () => '7'],
    ['a symbol', Symbol('7')],
    ['not well-formed text', '\ud800'],
  ])('stops the call: %s', (what, value) => {
    const error = errorOf('order:{params.id}', { params: { id: value } });

    expect(error).toMatchObject({ template: 'order:{params.id}', part: 'params.id' });
    expect(error.message).toBe(
      `@Locked on Orders.pay: key template "order:{params.id}": params.id is ${what}.`,
    );
  });

  it('is looked up among own properties and the getters of a class', () => {
    class Row {
      get id(): string {
        return '7';
      }
      name(): string {
        return 'row';
      }
    }
    class Derived extends Row {}

    expect(keyOf('{0.id}', {}, [new Row()])).toBe('7');
    expect(keyOf('{0.id}', {}, [new Derived()])).toBe('7');
    expect(errorOf('{0.name}', {}, [new Row()]).message).toContain('0.name is missing');
    expect(errorOf('{0.constructor}', {}, [new Row()]).message).toContain('missing');
    expect(errorOf('{0.toString}', {}, [{}]).message).toContain('missing');
    expect(errorOf('{0.length}', {}, ['text']).message).toContain('missing');
  });

  it('of a call that was not routed says so', () => {
    const error = errorOf('order:{params.id}');

    expect(error.message).toContain('this call has no params');
    expect(factsOf(error).requestFault).toBeUndefined();
  });

  it.each([
    ['{params.id}', { params: {} }, 'This request lacks params.id.'],
    ['{body.user.id}', { body: { user: null } }, 'This request lacks body.user.id.'],
    ['{headers.x-tenant}', { headers: {} }, 'This request lacks headers.x-tenant.'],
    ['{query.id}', { query: { id: '' } }, 'This request lacks query.id.'],
    [
      '{query.id}',
      { query: { id: ['1', '2'] } },
      'In this request query.id is an array; one value is needed.',
    ],
    [
      '{body.id}',
      { body: { id: {} } },
      'In this request body.id is an object; one value is needed.',
    ],
  ])('is the fault of a request that has it not, or has it wrong: %s', (text, call, fault) => {
    expect(requestFault(text, { ...routed(), ...call })).toBe(fault);
  });

  it.each([
    ['{user.id}', { user: {} }],
    ['{user.id}', { user: undefined }],
    ['{ip}', { ip: '' }],
    ['{params.path}', { params: { path: ['a', 'b'] } }],
    ['{body.price}', { body: { price: new Date(0) } }],
  ])('is the fault of the application where the client sent no such thing: %s', (text, call) => {
    expect(requestFault(text, { ...routed(), ...call })).toBeUndefined();
  });

  it('of a position is the fault of the request when the parameter reads the request', () => {
    const body = routed({ '3:0': { index: 0 } });
    const id = routed({ '5:1': { index: 1, data: 'id', pipes: [] } });
    const piped = routed({ '4:0': { index: 0, data: 'ids', pipes: [{}] } });
    const own = routed({ 'x__customRouteArgs__:0': { index: 0 } });
    class Dto {}

    expect(requestFault('{0.id}', body, [new Dto()])).toBe('This request lacks body.id.');
    expect(requestFault('{1}', id, ['a', undefined])).toBe('This request lacks params.id.');
    expect(requestFault('{0}', piped, [undefined])).toBe('This request lacks query.ids.');
    expect(requestFault('{0}', piped, [['1']])).toBeUndefined();
    expect(requestFault('{0.price}', body, [{ price: new Date(0) }])).toBeUndefined();
    expect(requestFault('{0.id}', own, [{}])).toBeUndefined();
    expect(requestFault('{0}', {}, [])).toBeUndefined();
  });

  it('of a path inside a position is the fault of a request that has one value there', () => {
    const filter = { ...routed({ '4:0': { index: 0, data: 'filter' } }), query: { filter: 'x' } };
    const body = { ...routed({ '3:0': { index: 0 } }), body: 'x' };
    const id = { ...routed({ '5:0': { index: 0, data: 'id' } }), params: { id: '7' } };

    expect(requestFault('{0.id}', filter, ['x'])).toBe('This request lacks query.filter.id.');
    expect(requestFault('{0.id}', body, ['x'])).toBe('This request lacks body.id.');
    // A pipe has loaded it.
    expect(requestFault('{0.id}', filter, [{}])).toBeUndefined();
    // No client can send anything else.
    expect(requestFault('{0.id}', id, ['7'])).toBeUndefined();
  });

  it.each([
    ['multipart/form-data; boundary=x', undefined],
    ['multipart/form-data; boundary=x', {}],
    ['application/xml', Buffer.from('<id/>')],
  ])('is the fault of the application when nobody parsed the body: %s', (type, body) => {
    const headers = { 'content-type': type, 'content-length': '20' };

    expect(requestFault('{body.id}', { ...routed({}, { headers, body }), body })).toBeUndefined();
  });

  it.each([
    [undefined, undefined],
    ['0', {}],
    ['2', {}],
  ])('is the fault of a request without a body, or with an empty one', (length, body) => {
    const headers = { 'content-type': 'application/json', 'content-length': length };

    expect(requestFault('{body.id}', { ...routed({}, { headers, body }), body })).toBe(
      'This request lacks body.id.',
    );
  });
});

describe('a malformed template', () => {
  it.each([
    ['order:{id}', 'names "id"; a part begins with params'],
    ['order:{}', 'names ""'],
    ['order:{{id}}', 'has "{{id}}", which is text and the same for every call'],
    ['order:{{ params.id }}', 'has "{{ params.id }}"'],
    ['{{0}}', 'has "{{0}}"'],
    ['{0', 'has a lone "{"'],
    ['0}', 'has a lone "}"'],
    ['{params..id}', 'names "params..id", which is no path'],
    ['{body.__proto__.id}', 'names "body.__proto__.id", which is no path'],
    ['{params}', 'names "params", which holds several values'],
    ['x:{headers}', 'names "headers", which holds several values'],
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
