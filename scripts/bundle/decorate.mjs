// What the compiler calls for decorators, once in the bundle instead of once in each file.
// Nest loads reflect-metadata before any of it runs.

export function __decorate(decorators, target, key, descriptor) {
  if (key === undefined) return Reflect.decorate(decorators, target);
  const own = descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
  const result = Reflect.decorate(decorators, target, key, own);
  if (result) Object.defineProperty(target, key, result);
  return result;
}

export function __metadata(key, value) {
  return Reflect.metadata(key, value);
}

export function __param(index, decorator) {
  return (target, key) => decorator(target, key, index);
}

export function __named(value, name) {
  Object.defineProperty(value, 'name', { value: name });
}
