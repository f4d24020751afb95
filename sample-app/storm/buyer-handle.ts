import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer } from '../rush/answer.js';
import { StartError } from '../start-error.js';
import type { BuyerReport, BuyOrder } from './storm-messages.js';

const ENTRY = fileURLToPath(new URL('./buyer-process.js', import.meta.url));
/** A buyer allocates little: small heaps keep 80 of them affordable. */
const SMALL_HEAP = ['--max-semi-space-size=1', '--max-old-space-size=64'];
/** How long a buyer may take to close its connections before it is killed. */
const END_TIMEOUT_MS = 5000;

/** A buyer's process, seen from the parent. */
export class BuyerHandle {
  private constructor(private readonly child: ChildProcess) {}

  /** Starts the process; it is not ready yet. */
  static start(redisUrl: string): BuyerHandle {
    const env = { ...process.env, REDIS_URL: redisUrl };
    return new BuyerHandle(fork(ENTRY, { env, execArgv: SMALL_HEAP }));
  }

  /** @throws {StartError} The process ended before it was ready. */
  async ready(): Promise<void> {
    const report = await this.nextReport();
    if (typeof report === 'string') throw new StartError(`A buyer could not start: ${report}`);
  }

  /** Sends the order; a process that ends before it answers is a failure of that buyer. */
  async buy(order: BuyOrder): Promise<Answer> {
    const answer = this.nextReport();
    if (this.child.connected) this.child.send(order);
    const report = await answer;
    if (typeof report === 'string') return { outcome: 'failed', reason: report, waitedMs: 0 };
    if (report.kind === 'answer') return report.answer;
    throw new Error(`Buyer ${this.child.pid} answered an order with "${report.kind}".`);
  }

  /** Ends the process by its pid. */
  async end(): Promise<void> {
    if (this.hasEnded) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const kill = setTimeout(() => this.child.kill('SIGKILL'), END_TIMEOUT_MS);
    await exit;
    clearTimeout(kill);
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The next message, or how the process ended without one. */
  private nextReport(): Promise<BuyerReport | string> {
    const { child } = this;
    return new Promise((resolve) => {
      const settle = (report: BuyerReport | string): void => {
        child.off('message', settle).off('exit', ended).off('error', failed);
        resolve(report);
      };
      const ended = (code: number | null, signal: string | null): void =>
        settle(`process ${child.pid} ended with ${signal ?? `code ${code}`}`);
      const failed = (error: Error): void => settle(error.message);
      if (this.hasEnded) return ended(child.exitCode, child.signalCode);
      child.on('message', settle).on('exit', ended).on('error', failed);
    });
  }
}
