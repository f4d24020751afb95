import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { locksIn } from '../locks.js';
import { SalesModule } from '../sales/sales.module.js';
import { Buyer } from './buyer.js';

/** What one process of the storm needs: the shop and the locks, no HTTP. */
@Module({})
export class BuyerModule {
  static forStore(redisUrl: string): DynamicModule {
    return {
      module: BuyerModule,
      imports: [locksIn(redisUrl), SalesModule.forStock(redisUrl)],
      providers: [Buyer],
    };
  }
}
