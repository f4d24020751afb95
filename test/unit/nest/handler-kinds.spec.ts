import { describe, expect, it } from '@jest/globals';
import { OnQueueEvent, OnWorkerEvent } from '@nestjs/bullmq';
import { All, Get, Param, Post, SetMetadata, Sse, UseGuards, UsePipes } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { Mutation, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { EventPattern, GrpcMethod, GrpcStreamMethod, MessagePattern } from '@nestjs/microservices';
import { Cron, Interval, Timeout } from '@nestjs/schedule';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import { handlerKindsOf, type HandlerKind } from '../../../lib/nest/start-check/handler-kinds.js';
import { HeldLock } from '../../../lib/nest/locked/held-lock.decorator.js';
import { Locked } from '../../../lib/nest/locked.decorator.js';

interface Where {
  readonly isController?: boolean;
  readonly on?: ClassDecorator;
}

const CONTROLLER: Where = { isController: true };
const GATEWAY: Where = { on: WebSocketGateway() };

function kindsOf(decorators: MethodDecorator[], where: Where = {}): readonly HandlerKind[] {
  class Handlers {
    @Locked('key')
    run(@HeldLock() _lock?: unknown, @Param() _id?: unknown): void {}
  }
  const { prototype } = Handlers;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'run')!;
  Object.defineProperty(
    prototype,
    'run',
    Reflect.decorate(decorators, prototype, 'run', descriptor),
  );
  where.on?.(Handlers);
  return kindsIn(prototype, where);
}

function kindsIn(prototype: object, { isController = false }: Where = {}): readonly HandlerKind[] {
  const method = Reflect.get(prototype, 'run') as object;
  return handlerKindsOf({ method, name: 'run', prototype, isController });
}

describe('handlerKindsOf', () => {
  it.each<[string, MethodDecorator, Where, HandlerKind]>([
    ['@Get', Get(), CONTROLLER, 'http'],
    ['@All with paths', All(['a', 'b']), CONTROLLER, 'http'],
    ['@Sse', Sse('events'), CONTROLLER, 'http'],
    ['@MessagePattern', MessagePattern('run'), CONTROLLER, 'rpc'],
    ['@EventPattern', EventPattern('run') as MethodDecorator, CONTROLLER, 'rpc'],
    ['@GrpcMethod', GrpcMethod('Service'), CONTROLLER, 'rpc'],
    ['@GrpcStreamMethod', GrpcStreamMethod('Service'), CONTROLLER, 'rpc'],
    ['@SubscribeMessage', SubscribeMessage('run'), GATEWAY, 'ws'],
    ['@Query', Query(() => String), {}, 'graphql'],
    ['@Mutation', Mutation(() => String), {}, 'graphql'],
    ['@Subscription', Subscription(() => String), {}, 'graphql'],
    ['@ResolveField', ResolveField(() => String), {}, 'field'],
  ])('knows %s', (_, decorator, where, kind) => {
    expect(kindsOf([decorator], where)).toEqual([kind]);
  });

  it('knows a method that has several kinds, and other decorators', () => {
    const decorators = [
      SetMetadata('roles', ['admin']),
      Post(),
      EventPattern('run') as MethodDecorator,
    ];

    expect(kindsOf(decorators, CONTROLLER)).toEqual(['http', 'rpc']);
  });

  it('knows every method of a class for one root type of GraphQL', () => {
    expect(kindsOf([], { on: Resolver('Query') })).toEqual(['graphql']);
    expect(kindsOf([], { on: Resolver('Cat') })).toEqual([]);
  });

  it.each<[string, MethodDecorator]>([
    ['@Cron', Cron('0 0 1 1 *')],
    ['@Interval', Interval('name', 1)],
    ['@Timeout', Timeout('name', 1)],
    ['@OnEvent', OnEvent('event')],
    ['@OnWorkerEvent', OnWorkerEvent('active')],
    ['@Process of @nestjs/bull', SetMetadata('bull:queue_process', { name: 'pay' })],
    ['@OnQueueEvent', OnQueueEvent('active')],
    ['guards and pipes', (...args) => (UseGuards()(...args), UsePipes()(...args))],
    ['a route outside of a controller', Get()],
    ['a pattern outside of a controller', MessagePattern('run')],
    ['a message outside of a gateway', SubscribeMessage('run')],
  ])('finds no kind for %s', (_, decorator) => {
    expect(kindsOf([decorator])).toEqual([]);
  });

  it('finds no kind for a plain method of a controller', () => {
    expect(kindsOf([], CONTROLLER)).toEqual([]);
  });

  it.each<[string, MethodDecorator]>([
    ['the method', SetMetadata('transport', 'run')],
    ['the method, under a symbol', SetMetadata(Symbol('path') as never, 'run')],
    ['its name', (target, name) => Reflect.defineMetadata('transport', 1, target, name)],
    [
      'its name and class',
      (target, name) => Reflect.defineMetadata('transport', 1, target.constructor, name),
    ],
  ])('does not know a decorator that leaves its metadata with %s', (_, decorator) => {
    expect(kindsOf([decorator])).toEqual(['unknown']);
    expect(kindsOf([decorator], CONTROLLER)).toEqual(['unknown']);
  });

  it('finds what a superclass has', () => {
    @WebSocketGateway()
    class Base {
      @SubscribeMessage('run')
      run(): void {}
    }
    class Inherits extends Base {}
    class Plain {
      run(): void {}
    }
    Reflect.defineMetadata('transport', 1, Plain.prototype, 'run');
    class InheritsPlain extends Plain {}

    expect(kindsIn(Inherits.prototype)).toEqual(['ws']);
    expect(kindsIn(InheritsPlain.prototype)).toEqual(['unknown']);
  });
});
