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

/** For one server, or for a Cluster, where messages stay in their slot. */
export type Topology = 'single' | 'sharded';

/**
 * A Lua script that Redis runs as one step. Its file's header lists KEYS, ARGV, reply and cost.
 * The text itself is that for a single server.
 */
export interface RedisScript extends ScriptText {
  readonly name: string;
  readonly sharded: ScriptText;
  /** The texts where other libraries use the same keys. */
  readonly coexisting: Readonly<Record<Topology, ScriptText>>;
}

/** Which text of the scripts a server needs. */
export interface ScriptForm {
  readonly topology: Topology;
  readonly coexist: boolean;
}

/** A part of a script that differs in a Cluster. */
export type TopologyPart = Readonly<Record<Topology, string>>;

/** A part of a script that only stands there where other libraries use the same keys. */
export interface CoexistPart {
  readonly coexisting: string;
}

/** Each script begins with it: to look `redis.call` up every time costs a twentieth of a hand-over. */
const CALL = 'local call = redis.call';

/** Defines a script from its parts, in order; `call` is `redis.call` there. */
export function defineScript(
  name: string,
  ...parts: readonly (string | TopologyPart | CoexistPart)[]
): RedisScript {
  const build = (topology: Topology, coexist: boolean): ScriptText => {
    const texts = parts.flatMap((part) => {
      if (typeof part === 'string') return part;
      if ('coexisting' in part) return coexist ? part.coexisting : [];
      return part[topology];
    });
    const lua = [CALL, ...texts.map((text) => text.trim())].join('\n');
    return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
  };
  return {
    name,
    ...build('single', false),
    sharded: build('sharded', false),
    coexisting: { single: build('single', true), sharded: build('sharded', true) },
  };
}

/** The text of a script in a form. */
export function textOf(script: RedisScript, { topology, coexist }: ScriptForm): ScriptText {
  if (coexist) return script.coexisting[topology];
  return topology === 'single' ? script : script.sharded;
}

export type Argument = string | number;
