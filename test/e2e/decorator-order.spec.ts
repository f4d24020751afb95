import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { ApiOperation, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Locked, LockService } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { startApp, type TestApp } from './support/app.js';
import { askGraphql, connectRpc, connectSocket, graphqlModule } from './support/clients.js';
import { decorateMethod, ordersOf, type NamedDecorator } from './support/decorate.js';

class Deny implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

const named = (name: string, decorator: MethodDecorator): NamedDecorator => ({ name, decorator });
const locked = (): NamedDecorator => named('Locked', Locked('job'));
const denied = named('UseGuards', UseGuards(Deny));

/** Which locks the method held when it ran. */
let reports: (string | undefined)[] = [];

/** A fresh class, since decorators of a method stay. */
function makeReporter(decorators: NamedDecorator[], classDecorator: ClassDecorator) {
  class Reporter {
    constructor(private readonly locks: LockService) {}

    report(): string {
      const key = this.locks.current()?.key;
      reports.push(key);
      return key ?? 'unlocked';
    }
  }
  Reflect.defineMetadata('design:paramtypes', [LockService], Reporter);
  Reflect.defineMetadata('design:paramtypes', [], Reporter.prototype, 'report');
  decorateMethod(Reporter, 'report', decorators);
  classDecorator(Reporter);
  reports = [];
  return Reporter;
}

interface Kind extends NamedDecorator {
  readonly classDecorator: ClassDecorator;
  readonly start: (Reporter: ReturnType<typeof makeReporter>) => Promise<TestApp>;
  /** Makes the method run; resolves with what its caller gets, if it gets anything. */
  readonly trigger: (app: TestApp) => unknown;
}

const asProvider = (...imports: unknown[]) =>
  ((Reporter) =>
    startApp({ imports: imports as never[], providers: [Reporter] })) satisfies Kind['start'];

const routed: Kind[] = [
  {
    ...named('Get', Get('report')),
    classDecorator: Controller(),
    start: (Reporter) => startApp({ controllers: [Reporter] }),
    trigger: async ({ url }) => (await fetch(`${url}/report`)).text(),
  },
  {
    ...named('MessagePattern', MessagePattern('report')),
    classDecorator: Controller(),
    start: (Reporter) => startApp({ controllers: [Reporter], rpc: true }),
    trigger: async (app) => connectRpc(app)('report'),
  },
  {
    ...named('SubscribeMessage', SubscribeMessage('report')),
    classDecorator: WebSocketGateway(),
    start: asProvider(),
    trigger: async (app) => (await connectSocket(app)).ask('report'),
  },
  {
    ...named(
      'Query',
      Query(() => String, { name: 'report' }),
    ),
    classDecorator: Resolver(),
    start: (Reporter) => startApp({ imports: [graphqlModule()], providers: [Reporter] }),
    trigger: async (app) => {
      const { data, errors } = await askGraphql(app, '{ report }');
      if (errors !== undefined) throw new Error(errors[0]?.message);
      return data?.['report'];
    },
  },
];

const scheduled: Kind[] = [
  {
    ...named('Cron', Cron('0 0 1 1 *', { name: 'report' })),
    classDecorator: Injectable(),
    start: asProvider(ScheduleModule.forRoot()),
    trigger: ({ app }) => app.get(SchedulerRegistry).getCronJob('report').fireOnTick(),
  },
  {
    ...named('Interval', Interval('report', 5)),
    classDecorator: Injectable(),
    start: asProvider(ScheduleModule.forRoot()),
    trigger: () => undefined,
  },
  {
    ...named('OnEvent', OnEvent('report')),
    classDecorator: Injectable(),
    start: asProvider(EventEmitterModule.forRoot()),
    trigger: ({ app }) => app.get(EventEmitter2).emit('report'),
  },
];

describe.each(routed)('@Locked with @$name', (kind) => {
  it.each(ordersOf([kind, locked()]))('%s: registered and locked', async (_, order) => {
    const app = await kind.start(makeReporter(order, kind.classDecorator));

    expect(await kind.trigger(app)).toBe('job');
  });

  it.each(ordersOf([kind, denied, locked()]))(
    '%s: the guard refuses, the lock is never touched',
    async (_, order) => {
      const app = await kind.start(makeReporter(order, kind.classDecorator));
      const touched: string[] = [];
      app.locks.events.on('acquired', ({ key }) => touched.push(key));

      const outcome = await Promise.resolve(kind.trigger(app)).catch(
        (error: { message?: string }) => error.message,
      );

      expect(outcome).toMatch(/Forbidden/);
      expect(reports).toEqual([]);
      expect(touched).toEqual([]);
    },
  );
});

describe.each(scheduled)('@Locked with @$name', (kind) => {
  it.each(ordersOf([kind, locked()]))('%s: registered and locked', async (_, order) => {
    const app = await kind.start(makeReporter(order, kind.classDecorator));

    await kind.trigger(app);

    await eventually(() => expect(reports).toContain('job'));
    expect(reports).not.toContain(undefined);
  });
});

describe('@Locked with @ApiOperation', () => {
  const operation = named('ApiOperation', ApiOperation({ summary: 'Reports' }));
  const get = named('Get', Get('report'));

  it.each(ordersOf([get, operation, locked()]))('%s: documented and locked', async (_, order) => {
    const { app, url } = await startApp({ controllers: [makeReporter(order, Controller())] });

    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());

    expect(document.paths['/report']?.get?.summary).toBe('Reports');
    expect(await (await fetch(`${url}/report`)).text()).toBe('job');
  });
});
