/** All orders of a list. */
export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  );
}

export interface NamedDecorator {
  readonly name: string;
  readonly decorator: MethodDecorator;
}

/** Applies decorators to a method as if they were written above it in this order. */
export function decorateMethod(
  target: { prototype: object },
  method: string,
  decorators: readonly NamedDecorator[],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method)!;
  const decorated = Reflect.decorate(
    decorators.map(({ decorator }) => decorator),
    target.prototype,
    method,
    descriptor,
  );
  Object.defineProperty(target.prototype, method, decorated);
}

/** The orders of decorators as a table of `it.each`: what it is called, and the order. */
export function ordersOf(decorators: readonly NamedDecorator[]): [string, NamedDecorator[]][] {
  return permutations(decorators).map((order) => [
    order.map(({ name }) => `@${name}`).join(' '),
    order,
  ]);
}
