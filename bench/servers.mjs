import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { Redis } from 'ioredis';

import {
  freePort,
  makeTemporaryDirectory,
  removeTemporaryDirectory,
  spawnRedis,
} from '../test/support/spawn-redis.mjs';

const slowLinks = fileURLToPath(new URL('slow-links.mjs', import.meta.url));

/** Redis servers that nobody else uses, without persistence. */
export class Servers {
  #dir = makeTemporaryDirectory();
  #children = [];
  #links = new Map();
  /** @type {string[]} */
  #urls = [];
  /** @type {Redis[]} */
  #clients = [];

  /**
   * Addresses of the first `count` servers, started when they are needed first.
   *
   * @param {number} count
   * @param {number} [linkMs] what a command spends on its way there
   */
  async urls(count, linkMs = 0) {
    while (this.#urls.length < count) await this.#start();
    const near = this.#urls.slice(0, count);
    return linkMs === 0 ? near : this.#far(near, linkMs);
  }

  /** Empties all servers and starts counting their commands anew. */
  async flush() {
    await Promise.all(this.#clients.map((redis) => redis.flushall()));
  }

  async startCounting() {
    await Promise.all(this.#clients.map((redis) => redis.config('RESETSTAT')));
  }

  /**
   * Commands that clients sent since then, and the servers' time for them.
   *
   * @param {readonly string[]} sends commands that are sent as such; what scripts call is in their time
   */
  async counted(sends) {
    const infos = await Promise.all(this.#clients.map((redis) => redis.info('commandstats')));
    const sent = new Set([...ALWAYS_SENT, ...sends]);
    const total = { commands: 0, serverUs: 0 };
    for (const [, name, calls, usec] of infos.join('\n').matchAll(COMMAND_STATISTICS)) {
      if (!sent.has(name)) continue;
      total.commands += Number(calls);
      total.serverUs += Number(usec);
    }
    return total;
  }

  async version() {
    await this.urls(1);
    return /redis_version:(\S+)/.exec(await this.#clients[0].info('server'))?.[1];
  }

  close() {
    for (const redis of this.#clients) redis.disconnect();
    for (const { child } of this.#links.values()) child.kill('SIGKILL');
    for (const child of this.#children) child.kill('SIGKILL');
    removeTemporaryDirectory(this.#dir);
  }

  async #start() {
    const port = await freePort();
    this.#children.push(await spawnRedis({ args: [], port, dir: this.#dir }));
    const url = `redis://127.0.0.1:${port}`;
    this.#urls.push(url);
    this.#clients.push(new Redis(url));
  }

  async #far(near, linkMs) {
    const name = `${near.length} ${linkMs}`;
    if (!this.#links.has(name)) {
      const child = fork(slowLinks, [`${linkMs}`, ...near.map((url) => new URL(url).port)]);
      const [ports] = await once(child, 'message');
      this.#links.set(name, { child, urls: ports.map((port) => `redis://127.0.0.1:${port}`) });
    }
    return this.#links.get(name).urls;
  }
}

const ALWAYS_SENT = ['eval', 'evalsha', 'ping', 'subscribe', 'unsubscribe', 'script|load'];
const COMMAND_STATISTICS = /cmdstat_([^:]+):calls=(\d+),usec=(\d+)/g;
