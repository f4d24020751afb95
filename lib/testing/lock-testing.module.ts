import type { DynamicModule, InjectionToken, Provider } from '@nestjs/common';
import type { RedisLockModuleExtras, RedisLockModuleOptions } from '../index.js';
import { LockConfigError } from '../engine/api/errors.js';
import { OptionReader } from '../engine/api/option-reader.js';
import { RedisLockModule } from '../nest/redis-lock.module.js';
import { LockService } from '../nest/service/lock.service.js';
import { getLockServiceToken } from '../nest/service/tokens.js';
import { SectionObserver } from './expect-locked.js';
import { LockTesting } from './lock-testing.js';

/** All options of `RedisLockModule` but the connection; what memory can't have, `replicas` and `credentials`, is left out. @example const options: LockTestingOptions = { wait: '50ms' }; */
export type LockTestingOptions = Omit<RedisLockModuleOptions, 'connection'> & RedisLockModuleExtras;

/**
 * Stands in for `RedisLockModule` in tests: the same service, decorators, errors and events on locks
 * in memory, which {@link LockTesting} makes busy, lost or unavailable.
 *
 * @example
 * const imports = [LockTestingModule.forRoot({ wait: '50ms' })];
 */
export class LockTestingModule {
  /**
   * @example
   * Test.createTestingModule({ imports: [LockTestingModule.forRoot({ wait: '50ms' })] });
   */
  static forRoot(options: LockTestingOptions = {}): DynamicModule {
    const { problems } = new OptionReader(options);
    if (problems.length > 0) throw new LockConfigError(problems);
    const { replicas: _, credentials: __, ...kept } = options;
    const { name, isGlobal: ___, ...own } = kept;
    const settings = { ...own, connection: 'memory' } as const;
    const base = RedisLockModule.forRoot({ ...kept, connection: 'memory' });
    const testing = getLockTestingToken(name);
    const service: Provider = {
      provide: getLockServiceToken(name),
      inject: [testing],
      useFactory: (control: LockTesting) => observed(new LockService(settings, control.openStore)),
    };
    const others = (base.providers ?? []).filter(
      (provider) => !('provide' in provider && provider.provide === service.provide),
    );
    return {
      ...base,
      module: LockTestingModule,
      providers: [{ provide: testing, useFactory: () => new LockTesting() }, service, ...others],
      exports: [...(base.exports ?? []), testing],
    };
  }
}

/**
 * The injection token of the `LockTesting` of a named module.
 *
 * @param name As given to `LockTestingModule`. @default the default one, whose token is its class
 * @example
 * module.get(getLockTestingToken('inventory'));
 */
export function getLockTestingToken(name?: string): InjectionToken<LockTesting> {
  return name === undefined ? LockTesting : `LockTesting(${name})`;
}

function observed(locks: LockService): LockService {
  const engine = LockService.engineOf(locks);
  engine?.whenOpen(({ observers }) => observers.add(new SectionObserver(locks)));
  return locks;
}
