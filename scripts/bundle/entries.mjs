/** The entry points of the package, by the name of their files in dist/: their module in lib/. */
export const MAIN = 'index';
export const SUBPATHS = {
  board: 'board/lock-board.module',
  prometheus: 'prometheus/lock-metrics.module',
  terminus: 'terminus/lock-health.indicator',
  testing: 'testing/index',
  tracing: 'tracing/lock-tracing.module',
};
/** Run by `npx nestjs-redis-lock`; only as an ES module, and nobody imports it. */
export const COMMAND = { cli: 'cli/main' };
/** The part of the main entry point that is read late. */
export const ENGINE = 'engine';
/** By which functions: when one of them is called first, what only they need is read. Each is all that its module exports. */
export const DOORS = {
  'nest/locked.decorator.js': 'Locked',
  'nest/redis-lock.providers.js': 'lockProviders',
  'nest/service/engine-for.js': 'engineFor',
};
/** Read with the main entry point though only the engine needs them: they look at what a test may change later. */
export const EARLY = ['engine/time/process-timers.js'];
