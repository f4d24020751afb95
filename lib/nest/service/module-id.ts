import { randomUUID } from 'node:crypto';
import type { Provider } from '@nestjs/common';

const MODULE_ID = Symbol('nestjs-redis-lock:module');

/** Sets one dynamic module apart: Nest 10 merges two that look the same in source text. */
export function moduleId(): Provider {
  return { provide: MODULE_ID, useValue: randomUUID() };
}
