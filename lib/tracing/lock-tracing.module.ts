import { type DynamicModule, Module } from '@nestjs/common';
import { LockTracing } from './lock-tracing.js';

/**
 * Makes two spans of each call for a lock of the application, with `@opentelemetry/api`: `lock.wait`
 * and `lock.hold`. Spans that are made under the lock are children of the latter.
 *
 * @example
 * const imports = [LockTracingModule.forRoot()];
 */
@Module({ providers: [LockTracing] })
export class LockTracingModule {
  static forRoot(): DynamicModule {
    // Global modules are initialized first: what others lock as they start is traced.
    return { module: LockTracingModule, global: true };
  }
}
