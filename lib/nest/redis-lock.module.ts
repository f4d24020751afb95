import {
  type DynamicModule,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LockConfigError } from '../engine/api/errors.js';
import { OptionReader, show } from '../engine/api/option-reader.js';
import { lockProviders } from './redis-lock.providers.js';
import type {
  RedisLockModuleAsyncOptions,
  RedisLockModuleExtras,
  RedisLockModuleOptions,
  RedisLockOptionsFactory,
} from './service/options.js';
import { getLockServiceToken, MODULE_OPTIONS } from './service/tokens.js';

/**
 * Provides a `LockService`, and keeps the locks of `@Locked` methods.
 *
 * @example
 * const imports = [RedisLockModule.forRoot({ connection: 'redis://localhost:6379' })];
 */
@Module({})
export class RedisLockModule {
  /**
   * Takes its options as they are. Start does not wait for Redis; wrong options make it fail with
   * one `LockConfigError` that names them all.
   *
   * @example
   * const imports = [RedisLockModule.forRoot({ connection: 'redis://localhost:6379', wait: '5s' })];
   */
  static forRoot(options: RedisLockModuleOptions & RedisLockModuleExtras): DynamicModule {
    if (typeof options !== 'object' || options === null) {
      throw new LockConfigError(['forRoot needs options: at least a connection.']);
    }
    const { name, isGlobal, ...moduleOptions } = options;
    // A factory, since Nest 10 would serialize a value, a Redis client among it.
    const provider = { provide: MODULE_OPTIONS, useFactory: () => moduleOptions };
    return dynamicModule({ name, isGlobal }, [provider]);
  }

  /**
   * Takes its options from `useFactory`, `useClass` or `useExisting`.
   *
   * @example
   * const lockModule = RedisLockModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ connection: config.getOrThrow<string>('REDIS_URL') }),
   * });
   */
  static forRootAsync(options: RedisLockModuleAsyncOptions): DynamicModule {
    if (typeof options !== 'object' || options === null) {
      throw new LockConfigError([
        'forRootAsync needs one of useFactory, useClass and useExisting.',
      ]);
    }
    return dynamicModule(options, optionsProviders(options), options.imports);
  }
}

function dynamicModule(
  { name, isGlobal = true }: { name?: string | undefined; isGlobal?: boolean | undefined },
  providers: Provider[],
  imports: ModuleMetadata['imports'] = [],
): DynamicModule {
  if (name === '') throw new LockConfigError(['name must not be empty; leave it out.']);
  const extras = new OptionReader({ name, isGlobal });
  extras.text('name', '');
  extras.boolean('isGlobal', true);
  if (extras.problems.length > 0) throw new LockConfigError(extras.problems);
  return {
    module: RedisLockModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    providers: [...providers, ...lockProviders(name)],
    exports: [getLockServiceToken(name)],
  };
}

function optionsProviders(options: RedisLockModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (given.length !== 1) {
    throw new LockConfigError([
      `forRootAsync takes one of useFactory, useClass and useExisting, got ${given.length}.`,
    ]);
  }
  if (useFactory !== undefined && typeof useFactory !== 'function')
    throw new LockConfigError([`useFactory must be a function, got ${typeof useFactory}.`]);
  if (useClass !== undefined && typeof useClass !== 'function')
    throw new LockConfigError([`useClass must be a class, got ${show(useClass)}.`]);
  if (useExisting === null)
    throw new LockConfigError(['useExisting must be a token of a provider, got null.']);
  if (useFactory !== undefined) return [{ provide: MODULE_OPTIONS, inject, useFactory }];
  const factory = (useClass ?? useExisting) as InjectionToken<RedisLockOptionsFactory>;
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: MODULE_OPTIONS,
      inject: [factory],
      useFactory: createOptions,
    },
  ];
}

function createOptions(
  made: Partial<RedisLockOptionsFactory>,
): ReturnType<RedisLockOptionsFactory['createRedisLockOptions']> {
  if (typeof made.createRedisLockOptions === 'function') return made.createRedisLockOptions();
  throw new LockConfigError([
    'what useClass or useExisting names must have a method createRedisLockOptions.',
  ]);
}
