import {
  Controller,
  Get,
  Inject,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { isLockError } from '../engine/api/errors.js';
import { releaseHeld } from '../nest/service/release-held.js';
import type { BoardSettings } from './board-options.js';
import { BoardHttp, type BoardRequest, type BoardResponse } from './board-http.js';
import { boardPage } from './page/board-page.js';
import { BOARD_SCRIPT } from './page/board-script.js';
import { BOARD_STYLE } from './page/board-style.js';
import { LockPoller } from './lock-poller.js';

/** Token of the board's settings inside its module. */
export const BOARD_SETTINGS = Symbol('nestjs-redis-lock:board');

const OTHER_HOLDERS = 'The lock has other holders by now, and stays as it is.';

/** The routes of a board: a class for each, since path and guards stand in its metadata. */
export function boardController(settings: BoardSettings): Type {
  class LockBoardController extends BoardRoutes {}
  Reflect.decorate(
    [Controller({ path: settings.path, version: VERSION_NEUTRAL })],
    LockBoardController,
  );
  if (settings.guards.length > 0) UseGuards(...settings.guards)(LockBoardController);
  return LockBoardController;
}

/** The page, what it loads, its stream, and its one lever. Answers by itself: no interceptor changes them. */
class BoardRoutes {
  constructor(
    @Inject(LockPoller) private readonly poller: LockPoller,
    @Inject(BOARD_SETTINGS) private readonly settings: BoardSettings,
  ) {}

  @Get()
  page(@Req() request: BoardRequest, @Res() response: BoardResponse): void {
    const { isOpen, mayRelease } = this.settings;
    const http = new BoardHttp(request, response);
    http.send(200, 'text/html; charset=utf-8', boardPage({ base: http.base, isOpen, mayRelease }));
  }

  @Get('board.js')
  script(@Req() request: BoardRequest, @Res() response: BoardResponse): void {
    new BoardHttp(request, response).send(200, 'text/javascript; charset=utf-8', BOARD_SCRIPT);
  }

  @Get('board.css')
  style(@Req() request: BoardRequest, @Res() response: BoardResponse): void {
    new BoardHttp(request, response).send(200, 'text/css; charset=utf-8', BOARD_STYLE);
  }

  @Get('events')
  events(@Req() request: BoardRequest, @Res() response: BoardResponse): void {
    const stream = new BoardHttp(request, response).stream();
    if (stream === undefined) return;
    stream.onClose(() => this.poller.leave(stream));
    this.poller.watch(stream);
  }

  @Post('release')
  async release(@Req() request: BoardRequest, @Res() response: BoardResponse): Promise<void> {
    const http = new BoardHttp(request, response);
    if (!this.settings.mayRelease) return http.json(403, { error: 'Release is off.' });
    if (!http.isFromPage) return http.json(403, { error: 'Not asked for by the board itself.' });
    const { service, key, mark } = (request.body ?? {}) as Record<string, unknown>;
    const locks = typeof service === 'string' ? this.poller.serviceOf(service) : undefined;
    if (locks === undefined || typeof key !== 'string' || typeof mark !== 'string') {
      return http.json(400, { error: 'There is no such lock.' });
    }
    try {
      const outcome = await releaseHeld(locks, key, mark);
      if (outcome === 'other-holders') return http.json(409, { error: OTHER_HOLDERS });
      return http.json(200, { released: outcome === 'released' });
    } catch (error) {
      return http.json(isLockError(error, 'LOCK_KEY') ? 400 : 503, {
        error: (error as Error).message,
      });
    }
  }
}
