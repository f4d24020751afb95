import { createHash } from 'node:crypto';

/** A Lua script that Redis runs as one step. Its file's header lists KEYS, ARGV, reply and cost. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
}

/** Defines a script from its parts, in order. */
export function defineScript(name: string, ...parts: readonly string[]): RedisScript {
  const lua = parts.map((part) => part.trim()).join('\n');
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex') };
}
