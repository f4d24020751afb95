// A process with a LockService of the built package, which does what the test tells it.
// It has no error listeners, and ends by itself once the service is shut down.
import { LockService } from '../../dist/esm/index.js';
import { listen, tell } from './parent.mjs';

const locks = new LockService(JSON.parse(process.argv[2] ?? '{}'));
/** @type {Map<unknown, { release: () => unknown, lock: any }>} */
const sections = new Map();

listen((message) => void obey(message));
// Connected from here on: a service opens with its first call.
await locks.inspect('first-call').catch(() => {});
tell('ready');

/** @param {{ type: string }} message */
async function obey(message) {
  const { id, key, options } = /** @type {any} */ (message);
  switch (message.type) {
    case 'lock': // A section that runs until it is told to end, or its signal aborts.
      await section(id, key, options);
      return;
    case 'end':
      sections.get(id)?.release();
      return;
    case 'detach': // The lock of a section, which goes on until it is told to end.
      tell('detached', { id, ticket: await sections.get(id)?.lock.detach() });
      return;
    case 'attach': {
      const lock = await locks.attach(/** @type {any} */ (message).ticket, options);
      const release = async () => tell('ended', { id, result: await lock.release() });
      sections.set(id, { release, lock });
      tell('attached', { id, key: lock.key, fence: lock.fencingToken });
      return;
    }
    case 'look': {
      const lock = sections.get(id)?.lock;
      tell('seen', { id, aborted: lock?.signal.aborted, remainingMs: lock?.remainingMs });
      return;
    }
    case 'shutdown':
      await locks.shutdown();
      tell('closed');
      return;
    case 'keeps':
      tell('kept', { by: process.getActiveResourcesInfo() });
      return;
    default:
      throw new Error(`Unknown message ${message.type}`);
  }
}

/**
 * @param {unknown} id
 * @param {string} key
 * @param {object} options
 */
async function section(id, key, options) {
  try {
    const result = await locks.withLock(
      key,
      async (lock) => {
        await new Promise((resolve) => {
          sections.set(id, { release: () => resolve(undefined), lock });
          lock.signal.addEventListener('abort', () => {
            tell('aborted', { id });
            resolve(undefined);
          });
          tell('entered', { id, fence: lock.fencingToken, remainingMs: lock.remainingMs });
        });
        return 'done';
      },
      options,
    );
    tell('ended', { id, result });
  } catch (error) {
    tell('failed', { id, code: error.code });
  }
}
