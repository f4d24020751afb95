/**
 * Follows a path of properties. Own ones, and getters of a class, which stand for values of the
 * object; what else a prototype offers (`constructor`, methods) is the same for all.
 */
export function followPath(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !hasValue(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function hasValue(object: object, name: string): boolean {
  let each: object | null = object;
  while (each !== null) {
    const property = Object.getOwnPropertyDescriptor(each, name);
    if (property !== undefined) return each === object || property.get !== undefined;
    each = Object.getPrototypeOf(each) as object | null;
  }
  return false;
}

/** Why a value can't be a part of a key, as the end of "it is …"; `undefined` when it can. */
export function faultOf(value: unknown): string | undefined {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'empty';
  if (Number.isNaN(value)) return 'NaN';
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'not well-formed text';
    case 'number':
    case 'bigint':
    case 'boolean':
      return undefined;
    case 'object':
      return Array.isArray(value) ? 'an array' : `an object${ofClass(value)}`;
    default:
      return `a ${typeof value}`;
  }
}

/** Whether an object is an instance of a class; what parsers make of a request is not. */
export function isInstance(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function ofClass(value: object): string {
  return isInstance(value) ? ` of class ${value.constructor.name}` : '';
}

/** Most values: found out faster than by way of {@link ENCODED}. */
const PLAIN = /^[\w.~-]*$/;

/** All but what stands for itself: letters and digits of every script, and four signs. */
const ENCODED = /[^\p{L}\p{Nd}_.~-]/gu;

/**
 * Percent-encodes the value of a template's part, so that it holds no `:` of its own and no value
 * reaches the key of another template.
 */
export function encodePart(value: string): string {
  if (PLAIN.test(value)) return value;
  return value.replace(ENCODED, (character) =>
    [...Buffer.from(character)].map((byte) => `%${hex(byte)}`).join(''),
  );
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
