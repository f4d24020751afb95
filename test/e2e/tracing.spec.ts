import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Locked } from 'nestjs-redis-lock';
import { LockTracingModule } from 'nestjs-redis-lock/tracing';

import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

const exporter = new InMemorySpanExporter();
const tracer = trace.getTracer('test');
let stage: Stage;

@Injectable()
@Controller()
class Orders {
  @Get('pay/:id')
  @Locked('order:{params.id}')
  async pay(@Param('id') id: string): Promise<string> {
    tracer.startSpan('charge').end();
    return id;
  }

  @Locked('stock:{0}')
  async sell(_sku: string): Promise<void> {
    await stage.pass('sold');
  }
}

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const processor = new SimpleSpanProcessor(exporter);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
});
afterAll(() => {
  trace.disable();
  context.disable();
});
beforeEach(() => {
  exporter.reset();
  stage = new Stage();
});

const start = (modules = [LockTracingModule.forRoot()]) =>
  startApp({ imports: modules, controllers: [Orders] });
const spans = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);

describe('tracing', () => {
  it('makes a span of the wait and one of the hold, below the span of the caller', async () => {
    const { locks } = await start();
    const request = tracer.startSpan('request');
    await context.with(trace.setSpan(context.active(), request), () =>
      locks.withLock('k', () => {}, { label: 'job' }),
    );
    const [wait] = spans('lock.wait');
    const [hold] = spans('lock.hold');

    for (const span of [wait, hold]) {
      expect(span?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
      expect(span?.attributes).toMatchObject({ 'lock.key': 'k', 'lock.label': 'job' });
    }
    expect(wait?.attributes).toMatchObject({ 'lock.outcome': 'acquired', 'lock.via': 'free' });
    expect(hold?.attributes).toMatchObject({
      'lock.outcome': 'released',
      'lock.fencing_token': expect.any(Number),
    });
  });

  it('makes spans under the lock children of the hold, in a handler too', async () => {
    const { url, locks } = await start();
    await fetch(`${url}/pay/7`);
    await locks.withLock('k', async () => {
      await Promise.resolve();
      tracer.startSpan('work').end();
    });
    const [ofHandler, ofService] = spans('lock.hold');

    expect(spans('charge')[0]?.parentSpanContext?.spanId).toBe(ofHandler?.spanContext().spanId);
    expect(spans('work')[0]?.parentSpanContext?.spanId).toBe(ofService?.spanContext().spanId);
    expect(ofHandler?.attributes['lock.template']).toBe('order:{params.id}');
  });

  it('links the wait to the hold that it waits for', async () => {
    const { app } = await start();
    const orders = app.get(Orders);
    const first = orders.sell('a');
    await stage.arrived(1);
    const second = orders.sell('a');
    stage.open();
    await Promise.all([first, second]);
    const [hold] = spans('lock.hold');
    const waits = spans('lock.wait');

    expect(waits.map(({ links }) => links.map((link) => link.context.spanId))).toEqual([
      [],
      [hold?.spanContext().spanId],
    ]);
  });

  it('links by each of the keys, and to nobody that leaves room', async () => {
    const { locks } = await start();
    const linksOf = (name: string) =>
      spans('lock.wait')
        .filter(({ attributes }) => attributes['lock.label'] === name)
        .map(({ links }) => links.map((link) => link.context.spanId));
    const both = await locks.acquire(['a', 'b']);
    const waiting = locks.acquire('b', { label: 'one' });
    await both.release();
    const one = await waiting;
    const again = locks.acquire(['a', 'b'], { label: 'again' });
    await one.release();
    await (await again).release();
    const beside = { permits: 2, label: 'beside' };
    const permits = [await locks.acquire('c', beside), await locks.acquire('c', beside)];
    const third = locks.acquire('c', { ...beside, label: 'third' });
    for (const permit of permits) await permit.release();
    await (await third).release();
    const [ofBoth, ofOne, , ...ofPermits] = spans('lock.hold').map(
      (hold) => hold.spanContext().spanId,
    );

    expect(linksOf('one')).toEqual([[ofBoth]]);
    expect(linksOf('again')).toEqual([[ofOne]]);
    expect(linksOf('beside')).toEqual([[], []]);
    expect(linksOf('third')).toEqual([ofPermits.slice(0, 2)]);
  });

  it('ends the hold of a lock that is detached, and makes spans of its own where it is attached', async () => {
    const { locks } = await start();
    const ticket = await locks.withLock('k', (lock) => lock.detach());
    await (await locks.attach(ticket, { label: 'job' })).release();
    const [first, second] = spans('lock.hold').map(({ attributes }) => attributes);

    expect(first).toMatchObject({ 'lock.key': 'k', 'lock.outcome': 'detached' });
    expect(second).toMatchObject({ 'lock.outcome': 'released', 'lock.label': 'job' });
    expect(second!['lock.fencing_token']).toBe(first!['lock.fencing_token']);
    expect(spans('lock.wait')).toHaveLength(2);
  });

  it('marks a lost lock as a fault, and a busy or aborted wait as none', async () => {
    const { locks } = await start();
    const lock = await locks.acquire('k');
    await locks.tryAcquire('k');
    await locks.acquire('k', { signal: AbortSignal.timeout(5) }).catch(() => undefined);
    await locks.forceRelease('k');
    await eventually(() => expect(lock.signal.aborted).toBe(true));

    expect(spans('lock.wait').map(({ attributes }) => attributes['lock.outcome'])).toEqual([
      'acquired',
      'LOCK_TIMEOUT',
      'aborted',
    ]);
    expect(spans('lock.wait').map(({ status }) => status.code)).toEqual([0, 0, 0]);
    expect(spans('lock.hold')).toMatchObject([
      { attributes: { 'lock.outcome': 'lost' }, status: { code: SpanStatusCode.ERROR } },
    ]);
  });

  it('makes each span once when its module is imported twice', async () => {
    const { locks } = await start([LockTracingModule.forRoot(), LockTracingModule.forRoot()]);
    await locks.withLock('k', () => {});

    expect(exporter.getFinishedSpans()).toHaveLength(2);
  });

  it('makes no span in an application that does not import it', async () => {
    const [, { locks }] = [await start(), await start([])];
    await locks.withLock('k', () => {});

    expect(exporter.getFinishedSpans()).toHaveLength(0);
  });
});
