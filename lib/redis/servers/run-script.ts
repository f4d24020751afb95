import type { Answer, RedisConnection } from '../client/redis-connection.js';
import { isNoScript } from '../client/redis-errors.js';
import type { ScriptText } from '../scripts/define-script.js';

export type Argument = string | number;

/**
 * Runs a script on one connection; the whole takes at most its `commandTimeout`.
 *
 * @param asking The node is only about to get the slot: each command says that it knows.
 */
export function runScript<T>(
  connection: RedisConnection,
  script: ScriptText,
  key: string,
  keys: readonly string[],
  args: readonly Argument[],
  asking = false,
): Promise<Answer<T>> {
  return connection.send<T>(key, (client, deadline) => {
    if (asking) client.asking().catch(() => undefined);
    return client.evalsha(script.sha1, keys.length, ...keys, ...args).catch((error: unknown) => {
      // Once the caller has given up, what it sent to undo this command is on its way already.
      if (!isNoScript(error) || performance.now() >= deadline) throw error;
      if (asking) client.asking().catch(() => undefined);
      return client.eval(script.lua, keys.length, ...keys, ...args);
    });
  });
}
