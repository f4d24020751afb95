import { type DynamicModule, Module, ValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { LockBoardModule } from 'nestjs-redis-lock/board';
import { DemosModule } from './demos/demos.module.js';
import { locksIn } from './locks.js';
import { PageController } from './page/page.controller.js';
import { RushController } from './rush/rush.controller.js';
import { SalesController } from './sales/sales.controller.js';
import { SalesModule } from './sales/sales.module.js';

const validation = { whitelist: true, forbidNonWhitelisted: true, transform: true };

/** The shop listens on loopback only: whoever reaches it may look. */
const board = LockBoardModule.forRoot({ path: 'locks', guards: 'none' });

/** The flash sale over HTTP, with a page to watch it. */
@Module({})
export class AppModule {
  /** @param redisUrl Where stock and locks are kept; without it in the memory of this process. */
  static forStore(redisUrl: string | undefined): DynamicModule {
    return {
      module: AppModule,
      imports: [
        locksIn(redisUrl),
        SalesModule.forStock(redisUrl),
        DemosModule.over(redisUrl),
        board,
      ],
      controllers: [PageController, RushController, SalesController],
      providers: [{ provide: APP_PIPE, useFactory: () => new ValidationPipe(validation) }],
    };
  }
}
