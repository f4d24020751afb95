import { Child, type ChildMessage } from '../child.js';
import type { TcpProxy } from '../tcp-proxy.js';

/** How the process of a contender reaches its servers. */
export interface Link {
  /** Options of its `LockService`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Its own network, in which faults are made. */
  readonly proxies: readonly TcpProxy[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that locks without end, which may be killed and started anew. */
export class Contender {
  readonly #children: Child[] = [];

  /** @param settings What `contender.mjs` is told beside its link; each start has a seed of its own. */
  constructor(
    private readonly link: Link,
    private readonly settings: Readonly<Record<string, unknown>>,
    private readonly random: () => number,
  ) {
    this.#start();
  }

  get proxies(): readonly TcpProxy[] {
    return this.link.proxies;
  }

  /** The process that runs. */
  get child(): Child {
    return this.#children.at(-1)!;
  }

  /** What all its processes have told. */
  get messages(): ChildMessage[] {
    return this.#children.flatMap(({ messages }) => messages);
  }

  async ready(): Promise<void> {
    await this.child.next('ready', { within: 60_000 });
  }

  /** Kills the process and starts another one. */
  async restart(): Promise<void> {
    await this.child.kill();
    this.#start();
    await this.ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill();
    for (const proxy of this.proxies) await proxy.close();
  }

  #start(): void {
    const { options, env = {} } = this.link;
    const settings = { ...this.settings, options, seed: Math.floor(this.random() * 2 ** 32) };
    const args = [JSON.stringify(settings)];
    this.#children.push(Child.start('contender.mjs', { args, env }));
  }
}
