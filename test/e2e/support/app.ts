import type { INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import type { NestApplication } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { LockService, RedisLockModule, type RedisLockModuleOptions } from 'nestjs-redis-lock';

import { afterTest } from '../../support/after-test.js';
import { freePort } from '../../support/spawn-redis.mjs';

export type Platform = 'express' | 'fastify';
export const PLATFORMS: readonly Platform[] = ['express', 'fastify'];

export interface AppOptions extends ModuleMetadata {
  /** @default 'express' */
  readonly platform?: Platform;
  /** Options of Fastify itself. */
  readonly fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
  /** Of the default `RedisLockModule`; `false` imports none. @default the memory store */
  readonly lock?: Partial<RedisLockModuleOptions> | false;
  /** Serves RPC over TCP as well. @default false */
  readonly rpc?: boolean;
  /** Called before the application listens. */
  readonly before?: (app: INestApplication) => unknown;
}

export interface TestApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly locks: LockService;
  readonly log: RecordingLogger;
  readonly rpcPort: number;
}

/** A Nest application that listens on a free port, and is closed when the running test is over. */
export async function startApp(options: AppOptions): Promise<TestApp> {
  const {
    platform = 'express',
    fastify,
    lock = {},
    rpc = false,
    before,
    imports = [],
    ...metadata
  } = options;
  const log = new RecordingLogger();
  const locking = lock === false ? [] : [RedisLockModule.forRoot(testOptions(lock))];
  const module = await Test.createTestingModule({ ...metadata, imports: [...locking, ...imports] })
    .setLogger(log)
    .compile();
  const app =
    platform === 'express'
      ? module.createNestApplication<NestApplication>()
      : module.createNestApplication<NestApplication>(new FastifyAdapter(fastify));
  afterTest(() => app.close());
  await before?.(app);
  const rpcPort = rpc ? await listenRpc(app) : 0;
  await app.listen(0, '127.0.0.1');
  const locks = lock === false ? (undefined as never) : app.get(LockService);
  return { app, url: await app.getUrl(), locks, log, rpcPort };
}

async function listenRpc(app: INestApplication): Promise<number> {
  const port = await freePort();
  app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  await app.startAllMicroservices();
  return port;
}

function testOptions(lock: Partial<RedisLockModuleOptions>): RedisLockModuleOptions {
  return { connection: 'memory', shutdownTimeout: 0, ...lock };
}

/** Keeps what an application logs. */
export class RecordingLogger implements LoggerService {
  readonly lines: { readonly level: string; readonly text: string }[] = [];

  log = this.#keep('log');
  debug = this.#keep('debug');
  verbose = this.#keep('verbose');
  warn = this.#keep('warn');
  error = this.#keep('error');
  fatal = this.#keep('fatal');

  of(...levels: string[]): string[] {
    return this.lines.filter(({ level }) => levels.includes(level)).map(({ text }) => text);
  }

  #keep(level: string) {
    return (...parts: unknown[]): void => {
      this.lines.push({ level, text: parts.map(asText).join(' ') });
    };
  }
}

function asText(part: unknown): string {
  return part instanceof Error ? `${part.stack} ${JSON.stringify(part)}` : String(part);
}
