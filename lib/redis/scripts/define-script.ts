import { createHash } from 'node:crypto';

/** Stands for a token where there is none: in a lock that nobody holds while a `minHold` runs on, and in arguments. */
export const NOBODY = '~';

/** Begins what stands in a lock that several hold beside each other: this and their capacity, of 7 digits. */
export const MARKER = '*holders:';

/** Lua as it is sent to a server. */
export interface ScriptText {
  readonly lua: string;
  readonly sha1: string;
}

/**
 * A Lua script that Redis runs as one step. Its file's header lists KEYS, ARGV, reply and cost.
 * The text itself is that for a single server.
 */
export interface RedisScript extends ScriptText {
  readonly name: string;
  /** The text for a Cluster, where messages stay in their slot. */
  readonly sharded: ScriptText;
}

/** A part of a script that differs in a Cluster. */
export interface TopologyPart {
  readonly single: string;
  readonly sharded: string;
}

/** Defines a script from its parts, in order. */
export function defineScript(
  name: string,
  ...parts: readonly (string | TopologyPart)[]
): RedisScript {
  const build = (topology: 'single' | 'sharded'): ScriptText => {
    const texts = parts.map((part) => (typeof part === 'string' ? part : part[topology]));
    const lua = texts.map((text) => text.trim()).join('\n');
    return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
  };
  return { name, ...build('single'), sharded: build('sharded') };
}

export type Argument = string | number;
