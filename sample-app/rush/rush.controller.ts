import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { Controller, type MessageEvent, Query, Req, Sse } from '@nestjs/common';
import { Observable } from 'rxjs';
import { runHttpRush } from './http-rush.js';
import { ShopClient } from './shop-client.js';
import { WatchRushDto } from './watch-rush.dto.js';

/** A rush to watch: every answer as it comes, and the result. */
@Controller('rush')
export class RushController {
  @Sse()
  watch(
    @Query() { stock, buyers, locked }: WatchRushDto,
    @Req() { socket }: { readonly socket: Socket },
  ): Observable<MessageEvent> {
    // Ordered over HTTP, so that all processes behind this port have their share.
    const shop = new ShopClient(`http://127.0.0.1:${socket.localPort}`);
    const sku = `RUSH-${randomBytes(4).toString('hex').toUpperCase()}`;
    return new Observable((subscriber) => {
      const rush = { sku, stock, buyers, locked: locked === 'yes' };
      runHttpRush(shop, rush, (buyer, answer) =>
        subscriber.next({ type: 'answer', data: { buyer, ...answer } }),
      ).then(
        (result) => {
          subscriber.next({ type: 'result', data: result });
          subscriber.complete();
        },
        (error: unknown) => subscriber.error(error),
      );
    });
  }
}
