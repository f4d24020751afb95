/**
 * Rules of the product and of its servers, each left out: the simulation has to find that, and say what is
 * violated by it.
 *
 * @type {readonly Defect[]}
 *
 * @typedef {object} Edit
 * @property {string} file
 * @property {string} from
 * @property {string} to
 *
 * @typedef {object} Defect
 * @property {string} name
 * @property {number} from A seed from which on it does not take long, among the schedules of
 * @property {string} family those that are made for such trouble.
 * @property {RegExp} violates What the oracle has to say.
 * @property {readonly Edit[]} edits
 */
export const DEFECTS = [
  {
    name: 'a restarted node is trusted after the lease of whoever asks',
    from: 152,
    family: 'forgets',
    violates: /I4/,
    edits: [
      {
        file: 'lib/redis/quorum/votes.ts',
        from: 'nodes.mayVote(node, holding, held)',
        to: 'nodes.mayVote(node, [], reply.lease)',
      },
      {
        file: 'lib/redis/quorum/nodes.ts',
        from: 'const lease = held ? LONGEST_UNKNOWN_LEASE_MS : this.#longestLease;',
        to: 'const lease = Number(held);',
      },
    ],
  },
  {
    name: 'a vote counts before it is known which server gave it',
    from: 17,
    family: 'forgets',
    violates: /I4/,
    edits: [
      {
        file: 'lib/redis/quorum/node.ts',
        from: "if (reply.kind !== 'held' || (isMet && server === this.link.server)) return reply;",
        to: 'if (server !== null) return reply;',
      },
    ],
  },
  {
    name: 'a lease that is not renewed is not asked about after a reconnect',
    from: 7,
    family: 'anyOfServer',
    violates: /I4/,
    edits: [
      {
        file: 'lib/engine/hold/lease-renewer.ts',
        from: 'const holds = [...this.#due.items()];',
        to: 'const holds = [...this.#due.items()].filter(({ renews }) => renews);',
      },
      {
        file: 'lib/engine/hold/lease-renewer.ts',
        from: 'if (hold.renews || hold.troubled) due.push(hold);',
        to: 'if (hold.renews) due.push(hold);',
      },
      {
        file: 'lib/engine/hold/lease-renewer.ts',
        from: 'const asks = hold.renews || hold.troubled;',
        to: 'const asks = hold.renews;',
      },
    ],
  },
  {
    name: 'an answer from before the machine slept counts',
    from: 3,
    family: 'wakes',
    violates: /I[45]/,
    edits: [
      {
        file: 'lib/engine/hold/lease-renewer.ts',
        from: "if (isOld && reply?.kind === 'held') return 'unknown';",
        to: '',
      },
    ],
  },
  {
    name: 'a number bounds the clock by when its command was sent',
    from: 2,
    family: 'forgetsAll',
    violates: /I[25]/,
    edits: [
      {
        file: 'lib/redis/quorum/fences.ts',
        from: 'this.#observe(block);',
        to: 'this.#observe({ ...block, sentAt: Math.min(...votes.map((one: any) => one.reply.sentAt)) } as any);',
      },
      {
        file: 'lib/redis/quorum/fences.ts',
        from: '#observe({ last }: FenceBlock): void {',
        to: '#observe({ last, sentAt }: any): void {',
      },
      {
        file: 'lib/redis/quorum/fences.ts',
        from: 'last - this.clock.now() * 1000',
        to: 'last - sentAt * 1000',
      },
    ],
  },
  {
    name: 'a new place goes by the clock alone',
    from: 20,
    family: 'stands',
    violates: /I7/,
    edits: [
      {
        file: 'test/simulation/reference-scripts.ts',
        from: 'if (last !== undefined && place === us && last[1] >= place)',
        to: 'if (last === null)',
      },
    ],
  },
  {
    name: 'votes that a restarted node has lost are not taken back',
    from: 6,
    family: 'restarts',
    violates: /has lost/,
    edits: [
      {
        file: 'lib/redis/quorum/renew.ts',
        from: "if (atNode[i]?.kind !== 'lost' || replies[i]?.kind !== 'held') continue;",
        to: 'continue;',
      },
    ],
  },
  {
    name: 'a server confirms every lease',
    from: 7,
    family: 'anyOfServer',
    violates: /I4/,
    edits: [
      {
        file: 'test/simulation/reference-scripts.ts',
        from: 'replies.push(RENEWED.lost)',
        to: 'replies.push(0)',
      },
    ],
  },
  {
    name: 'a server counts backwards',
    from: 1,
    family: 'anyOfServer',
    violates: /I[25]/,
    edits: [
      {
        file: 'test/simulation/reference-lock.ts',
        from: 'let last = isAhead ? floor : this.us;',
        to: 'let last = 4e15 - this.us;',
      },
      {
        file: 'test/simulation/reference-lock.ts',
        from: 'if (before >= first) [first, last] = [before + 1, before + count];',
        to: 'if (before < 0) last = count;',
      },
    ],
  },
  {
    name: 'a call whose wait is over is not told',
    from: 1,
    family: 'anyOfServer',
    violates: /are stuck/,
    edits: [
      {
        file: 'lib/engine/queue/waiter.ts',
        from: '    this.#reject(this.to.failed(reason));',
        to: '    void reason;',
      },
    ],
  },
  {
    name: 'a call waits three times as long',
    from: 2,
    family: 'anyOfServer',
    violates: /waited \d+ ms/,
    edits: [
      {
        file: 'lib/engine/queue/waiter-list.ts',
        from: '#ringIn(bound',
        to: '#ringIn(3 * bound',
      },
    ],
  },
  {
    name: 'a lock has no expiry',
    from: 63,
    family: 'anyOfServer',
    violates: /keeps/,
    edits: [
      {
        file: 'test/simulation/reference-lock.ts',
        from: 'return db.set(lock, token, Math.trunc(lease));',
        to: 'return db.set(lock, token);',
      },
    ],
  },
];
