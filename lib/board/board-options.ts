import type { CanActivate, Type } from '@nestjs/common';
import { LockConfigError } from '../engine/api/errors.js';

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
  allowRelease?: boolean;
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
  const { path, guards, allowRelease = false } = options;
  const problems: string[] = [];
  if (typeof path !== 'string' || path.replaceAll('/', '') === '') {
    problems.push(`path of the lock board must be a path such as "locks", got ${quote(path)}.`);
  }
  const isOpen = guards === 'none';
  if (!isOpen && !(Array.isArray(guards) && guards.length > 0 && guards.every(isGuard))) {
    problems.push(
      `guards of the lock board must be guards, or 'none' to open it to everybody, got ${quote(guards)}.`,
    );
  }
  if (typeof allowRelease !== 'boolean') {
    problems.push(
      `allowRelease of the lock board must be true or false, got ${quote(allowRelease)}.`,
    );
  }
  if (problems.length > 0) throw new LockConfigError(problems);
  return { path, guards: isOpen ? [] : guards, isOpen, mayRelease: allowRelease && !isOpen };
}

function isGuard(guard: unknown): boolean {
  if (typeof guard === 'function') return true;
  return typeof (guard as CanActivate | null | undefined)?.canActivate === 'function';
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
