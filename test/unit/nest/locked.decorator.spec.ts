import { describe, expect, it } from '@jest/globals';

import { LockConfigError } from '../../../lib/engine/api/errors.js';
import { HeldLock } from '../../../lib/nest/locked/held-lock.decorator.js';
import { Locked } from '../../../lib/nest/locked.decorator.js';

function faultOf(decorate: () => unknown): readonly string[] {
  try {
    decorate();
  } catch (error) {
    if (error instanceof LockConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** Decorates a method of its own class. */
function lockedWith(key: unknown, options: unknown = {}): readonly string[] {
  return faultOf(() => {
    class Orders {
      @Locked(key as string, options as object)
      async pay(): Promise<void> {}
    }
    return Orders;
  });
}

describe('@Locked at decoration', () => {
  it.each([
    ['a template', 'order:{0}'],
    ['a list', ['order:{0}', 'order:{1}']],
    ['a function', () => 'order'],
  ])('takes %s', (_, key) => {
    expect(lockedWith(key)).toEqual([]);
  });

  it.each([
    ['ttl', { ttl: 1 }, 'ttl must be at least 100 ms, got 1.'],
    ['an unknown option', { tll: 1 }, 'tll is not an option; known are ttl, '],
    ['ifBusy', { ifBusy: 'wait' }, `ifBusy must be 'throw' or 'skip', got "wait".`],
    ['service', { service: '' }, 'service must not be empty.'],
    [
      'signal',
      { signal: AbortSignal.abort() },
      'signal is not an option; known are ttl, wait, renew, mode, permits, minHold, maxHold, onLost, label, ifBusy, service.',
    ],
    ['mode', { mode: 'read' }, 'mode must be'],
    ['permits', { permits: 0 }, 'permits must be'],
    ['minHold', { minHold: '2s', ttl: '1s', renew: false }, 'minHold (2000 ms)'],
    ['no object', 'options', 'options must be an object, got a string.'],
    ['null', null, 'options must be an object, got null.'],
  ])('refuses %s', (_, options, problem) => {
    expect(lockedWith('order', options)).toEqual([
      expect.stringContaining(`@Locked on Orders.pay: ${problem}`),
    ]);
  });

  it('leaves to start what depends on the options of the module', () => {
    expect(lockedWith('order', { minHold: '1m', renew: false })).toEqual([]);
  });

  it.each([
    ['no key', undefined, 'must be a template, a list of templates, or a function'],
    ['an empty list', [], 'must be a template, a list of templates, or a function'],
    [
      'a list with other things',
      ['a', 7],
      'must be a template, a list of templates, or a function',
    ],
    ['an empty key', '', 'A lock key must not be empty'],
    ['a key of ours', '!fence', 'must not begin with "!"'],
    ['a key that is too long', 'x'.repeat(513), 'A lock key may have 512 bytes, got 513'],
    ['a fixed key that is none among others', ['a:{0}', 'b', '!c'], 'must not begin with "!"'],
    [
      'text that is too long beside any part',
      `${'x'.repeat(511)}:{0}`,
      'may have 512 bytes, got 513',
    ],
    ['text that no key begins with, beside a part', '!order:{0}', 'must not begin with "!"'],
    ['text that is no Unicode, beside a part', '\ud800:{0}', 'is not well-formed Unicode'],
    ['text of an object, beside a part', ['a:{0}', '[object Object]:{0}'], 'holds "[object "'],
    ['a malformed template', 'order:{id}', 'key template "order:{id}" names "id"'],
  ])('refuses %s', (_, key, problem) => {
    expect(lockedWith(key)).toEqual([expect.stringContaining(problem)]);
  });

  it('names all faults at once', () => {
    expect(lockedWith('{x}', { ttl: 1, wait: -1 })).toHaveLength(3);
  });

  it('refuses a second @Locked on one method', () => {
    const fault = faultOf(() => {
      class Orders {
        @Locked('a')
        @Locked('b')
        async pay(): Promise<void> {}
      }
      return Orders;
    });

    expect(fault).toEqual(['@Locked on Orders.pay: the method has another @Locked.']);
  });

  it('refuses a static method', () => {
    const fault = faultOf(() => {
      class Orders {
        @Locked('a')
        static async pay(): Promise<void> {}
      }
      return Orders;
    });

    expect(fault).toEqual([expect.stringMatching(/^@Locked on Orders\.pay: a static method/)]);
  });

  it('called as a standard decorator, names the compiler settings that Nest needs', () => {
    const decorate = Locked('a') as unknown as (method: () => void, context: object) => void;

    const fault = faultOf(() => decorate(() => {}, { kind: 'method', name: 'pay', static: false }));

    expect(fault).toEqual([
      expect.stringMatching(/^@Locked on pay: .*standard decorator.*experimentalDecorators/),
    ]);
  });

  it('refuses a sync generator and an accessor', () => {
    const generator = faultOf(() => {
      class Orders {
        @Locked('a')
        *pay(): Generator<number> {
          yield 1;
        }
      }
      return Orders;
    });
    const accessor = faultOf(() => {
      class Orders {
        @Locked('a')
        get pay(): number {
          return 1;
        }
      }
      return Orders;
    });

    expect(generator).toEqual([expect.stringContaining('a sync generator')]);
    expect(accessor).toEqual([expect.stringContaining('only methods can be locked')]);
  });
});

describe('a decorator where it does not belong', () => {
  const locked = Locked('a') as (...place: unknown[]) => unknown;
  const held = HeldLock() as (...place: unknown[]) => unknown;
  class Orders {
    pay(): void {}
  }
  const { prototype } = Orders;
  const method = Object.getOwnPropertyDescriptor(prototype, 'pay');
  const places: [string, unknown[], string][] = [
    ['a class', [Orders], 'Orders'],
    ['a parameter of a constructor', [Orders, undefined, 0], 'Orders'],
    ['a parameter', [prototype, 'pay', 0], 'Orders.pay'],
    ['a field', [prototype, 'field', undefined], 'Orders.field'],
  ];

  it.each(places)('refuses @Locked before %s', (_, place, owner) => {
    expect(faultOf(() => locked(...place))).toEqual([
      `@Locked on ${owner}: only methods can be locked.`,
    ]);
  });

  it.each([
    ...places.filter(([name]) => name !== 'a parameter'),
    ['a method', [prototype, 'pay', method], ''],
    ['a parameter of a static method', [Orders, 'all', 0], ''],
    ['a method, by the standard', [(): void => {}, { kind: 'method', name: 'pay' }], ''],
  ])('refuses @HeldLock before %s', (_, place) => {
    expect(faultOf(() => held(...place))).toEqual([
      '@HeldLock is for parameters of @Locked methods.',
    ]);
  });
});

describe('a locked method', () => {
  it('keeps name, length and metadata of the original, whatever their order', () => {
    const mark =
      (key: string): MethodDecorator =>
      (_target, _name, descriptor) =>
        Reflect.defineMetadata(key, true, descriptor.value as object);
    class Orders {
      @mark('above')
      @Locked('order')
      @mark('below')
      async pay(_id: string, _amount: number): Promise<void> {}
    }
    const pay = Reflect.get(Orders.prototype, 'pay');

    expect(pay.name).toBe('pay');
    expect(pay).toHaveLength(2);
    expect(Reflect.getMetadata('above', pay)).toBe(true);
    expect(Reflect.getMetadata('below', pay)).toBe(true);
  });

  it('shows no parameter that receives the lock behind those of its callers', () => {
    class Jobs {
      @Locked('job')
      async last(_job: object, @HeldLock() _lock: unknown): Promise<void> {}

      @Locked('job')
      async middle(_job: object, @HeldLock() _lock: unknown, _done: object): Promise<void> {}
    }

    // Who finds two parameters gives a callback, and waits for it.
    expect(Reflect.get(Jobs.prototype, 'last')).toHaveLength(1);
    expect(Reflect.get(Jobs.prototype, 'middle')).toHaveLength(3);
  });
});

describe('@HeldLock', () => {
  it('is refused on a constructor', () => {
    const fault = faultOf(() => HeldLock()(class Orders {}, undefined, 0));

    expect(fault).toEqual(['@HeldLock is for parameters of @Locked methods.']);
  });
});
