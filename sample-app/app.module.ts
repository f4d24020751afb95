import type { DynamicModule } from '@nestjs/common';
import { Module, ValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { locksIn } from './locks.js';
import { SalesController } from './sales/sales.controller.js';
import { SalesModule } from './sales/sales.module.js';

const validation = { whitelist: true, forbidNonWhitelisted: true, transform: true };

/** The flash sale over HTTP. */
@Module({})
export class AppModule {
  /** @param redisUrl Where stock and locks are kept; without it in the memory of this process. */
  static forStore(redisUrl: string | undefined): DynamicModule {
    return {
      module: AppModule,
      imports: [locksIn(redisUrl), SalesModule.forStock(redisUrl)],
      controllers: [SalesController],
      providers: [{ provide: APP_PIPE, useFactory: () => new ValidationPipe(validation) }],
    };
  }
}
