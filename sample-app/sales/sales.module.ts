import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { openRedis } from '../open-redis.js';
import { MemoryStockRepository } from './memory-stock.repository.js';
import { RedisStockRepository } from './redis-stock.repository.js';
import { SalesService } from './sales.service.js';
import { StockRepository } from './stock.repository.js';

/** The shop without its HTTP face, which the processes of the storm do not need. */
@Module({})
export class SalesModule {
  /** @param redisUrl Where the stock is kept; without it in the memory of this process. */
  static forStock(redisUrl: string | undefined): DynamicModule {
    const useFactory = async (): Promise<StockRepository> =>
      redisUrl === undefined
        ? new MemoryStockRepository()
        : new RedisStockRepository(await openRedis(redisUrl));
    return {
      module: SalesModule,
      providers: [SalesService, { provide: StockRepository, useFactory }],
      exports: [SalesService],
    };
  }
}
