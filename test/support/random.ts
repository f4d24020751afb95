export { seededRandom } from './seeded-random.mjs';

/** A seed of the environment (`SEED`), or one of this moment; print it, so that a run can be repeated. */
export function chooseSeed(): number {
  return Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
}
