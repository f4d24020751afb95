/** The entry points of the package, by the name of their files in dist/: their module in lib/. */
export const MAIN = 'index';
/** The part of the main one that is read when the first lock service opens: one function. */
export const ENGINE = { name: 'engine', module: 'nest/service/open-engine', opens: 'openEngine' };
export const SUBPATHS = {
  board: 'board/lock-board.module',
  prometheus: 'prometheus/lock-metrics.module',
  terminus: 'terminus/lock-health.indicator',
  testing: 'testing/index',
  tracing: 'tracing/lock-tracing.module',
};
/** Run by `npx nestjs-redis-lock`; only as an ES module, and nobody imports it. */
export const COMMAND = { cli: 'cli/main' };
