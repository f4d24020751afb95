import { type DynamicModule, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { moduleId } from '../nest/service/module-id.js';
import { type BoardSettings, checkBoardOptions, type LockBoardOptions } from './board-options.js';
import { BOARD_SETTINGS, boardController } from './board.controller.js';
import { LockPoller } from './lock-poller.js';

/**
 * Mounts a page that shows held and waited-for locks of all processes as they change.
 *
 * @example
 * const imports = [LockBoardModule.forRoot({ path: 'locks', guards: [AdminGuard] })];
 */
@Module({})
export class LockBoardModule {
  /**
   * @example
   * const imports = [LockBoardModule.forRoot({ path: 'locks', guards: [AdminGuard], allowRelease: true })];
   *
   * @throws {LockConfigError} Without `guards` there is no board.
   */
  static forRoot(options: LockBoardOptions): DynamicModule {
    const settings: BoardSettings = checkBoardOptions(options);
    return {
      module: LockBoardModule,
      controllers: [boardController(settings)],
      providers: [
        moduleId(),
        { provide: BOARD_SETTINGS, useFactory: () => settings },
        {
          provide: LockPoller,
          inject: [ModulesContainer],
          useFactory: (modules: ModulesContainer) => new LockPoller(modules),
        },
      ],
    };
  }
}
