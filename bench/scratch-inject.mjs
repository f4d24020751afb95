import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Module, Param, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { defer, lastValueFrom } from 'rxjs';
const dist = process.env.DIST ?? '../dist/esm/index.js';
const { Locked, LockService, RedisLockModule } = await import(dist);
class LockByHand {
  constructor(locks) { this.locks = locks; }
  intercept(context, next) {
    const { id } = context.switchToHttp().getRequest().params;
    return defer(() => this.locks.withLock(`order:${id}`, () => lastValueFrom(next.handle(), { defaultValue: undefined })));
  }
}
Inject(LockService)(LockByHand, undefined, 0); Injectable()(LockByHand);
class Empty { intercept(c, next) { return next.handle(); } }
class C { async locked(id) { return { id }; } async positional(id) { return { id }; } async interceptor(id) { return { id }; } async plain(id) { return { id }; } async empty(id) { return {id}; } }
function decorate(name, ...ds) { const m = Object.getOwnPropertyDescriptor(C.prototype, name); Param('id')(C.prototype, name, 0); for (const d of ds.reverse()) d(C.prototype, name, m); Object.defineProperty(C.prototype, name, m); }
decorate('locked', Get('locked/:id'), Locked('order:{params.id}'));
decorate('positional', Get('positional/:id'), Locked('order:{0}'));
decorate('interceptor', Get('interceptor/:id'), UseInterceptors(LockByHand));
decorate('plain', Get('plain/:id'));
decorate('empty', Get('empty/:id'), UseInterceptors(Empty));
Controller('o')(C);
class App {} Module({ imports: [RedisLockModule.forRoot({ connection: process.env.URL ?? 'memory' })], controllers: [C] })(App);
const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false });
await app.init(); await app.getHttpAdapter().getInstance().ready();
let n = 0;
async function batch(route, size) { const c0 = process.cpuUsage(); 
  for (let i = 0; i < size; i += 10) await Promise.all(Array.from({ length: 10 }, () => app.inject({ url: `/o/${route}/${n++}` })));
  const c = process.cpuUsage(c0); return (c.user + c.system) / size; }
const routes = process.argv[2] ? process.argv[2].split(',') : ['locked', 'positional', 'interceptor', 'empty', 'plain'];
const out = Object.fromEntries(routes.map((r) => [r, []]));
for (const r of routes) await batch(r, 2000);
for (let k = 0; k < Number(process.argv[3] ?? 12); k++) for (const r of routes) out[r].push(await batch(r, 1000));
const med = (a) => [...a].sort((x, y) => x - y)[a.length >> 1];
for (const r of routes) console.log(r.padEnd(12), med(out[r]).toFixed(1), 'min', Math.min(...out[r]).toFixed(1));
await app.close(); process.exit(0);
