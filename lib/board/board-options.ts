import type { CanActivate, Type } from '@nestjs/common';
import { LockConfigError } from '../engine/api/errors.js';
import { OptionReader, show } from '../engine/api/option-reader.js';

/** Options of a `LockBoardModule`. */
export interface LockBoardOptions {
  /** Where the page is: `'locks'` is `/locks`, behind the application's global prefix. */
  path: string;
  /**
   * Who may see it: guards as for `@UseGuards`, all of which must agree. `'none'` opens the board to
   * everybody that reaches the application, and turns release off.
   */
  guards: readonly (CanActivate | Type<CanActivate>)[] | 'none';
  /** Whether a lock can be taken from its holder on the page. @default false */
  allowRelease?: boolean | undefined;
}

/** {@link LockBoardOptions}, checked. */
export interface BoardSettings {
  readonly path: string;
  readonly guards: readonly (CanActivate | Type<CanActivate>)[];
  readonly isOpen: boolean;
  readonly mayRelease: boolean;
}

/** @throws {LockConfigError} All faults at once. */
export function checkBoardOptions(options: LockBoardOptions): BoardSettings {
  const reader = new OptionReader(options);
  reader.only(['path', 'guards', 'allowRelease']);
  const { problems } = reader;
  const path = reader.raw('path') as LockBoardOptions['path'];
  const guards = reader.raw('guards') as LockBoardOptions['guards'];
  const allowRelease = reader.raw('allowRelease') ?? false;
  if (typeof path !== 'string' || path.replaceAll('/', '') === '') {
    problems.push(`path of the lock board must be a path such as "locks", got ${show(path)}.`);
  }
  const isOpen = guards === 'none';
  if (!isOpen && !(Array.isArray(guards) && guards.length > 0 && guards.every(isGuard))) {
    problems.push(
      `guards of the lock board must be guards, or 'none' to open it to everybody, got ${show(guards)}.`,
    );
  }
  if (typeof allowRelease !== 'boolean') {
    problems.push(
      `allowRelease of the lock board must be true or false, got ${show(allowRelease)}.`,
    );
  }
  if (problems.length > 0) throw new LockConfigError(problems);
  return { path, guards: isOpen ? [] : guards, isOpen, mayRelease: allowRelease && !isOpen };
}

function isGuard(guard: unknown): boolean {
  if (typeof guard === 'function') return true;
  return typeof (guard as CanActivate | null | undefined)?.canActivate === 'function';
}
