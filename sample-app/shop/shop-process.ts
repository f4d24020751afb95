import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { StartError } from '../start-error.js';
import { serve, type ShopOptions } from './serve.js';

/** What a process of the shop tells the one that started it. */
export type ShopMessage =
  | { readonly kind: 'open'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string };

/** The life of a process that shares the shop's port with others; it ends when the first one does. */
export async function runShopProcess(): Promise<void> {
  const options = JSON.parse(process.env['SHOP_OPTIONS'] ?? '{}') as ShopOptions;
  try {
    tell({ kind: 'open', port: portOf(await serve(options)) });
  } catch (error) {
    const message = error instanceof StartError ? error.message : String(error);
    tell({ kind: 'failed', message });
    cluster.worker?.disconnect();
  }
}

/** Where the shop is served. */
export function portOf(app: INestApplication): number {
  return (app.getHttpServer().address() as AddressInfo).port;
}

function tell(message: ShopMessage): void {
  process.send?.(message);
}
