/** Where Nest puts a lock service on the instances of classes with `@Locked` methods. */
export function servicePropertyOf(service: string | undefined): symbol {
  return Symbol.for(`nestjs-redis-lock.service:${service ?? ''}`);
}
