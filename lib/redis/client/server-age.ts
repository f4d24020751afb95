/** When a server started at the latest, our time; `undefined`: perhaps long ago. */
export type BornAt = number | undefined;

/** Uptime is told in whole seconds. */
const GRAIN_MS = 2000;

/** Whether a server may be older than one that started at the moment `own`. */
export function isOlder(bornAt: BornAt, own: number): boolean {
  return bornAt === undefined || bornAt < own - GRAIN_MS;
}
