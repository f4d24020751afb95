import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { openRedis } from '../open-redis.js';

const CHANNEL = 'flash-sale:activity';

/** Something that a demonstration did. */
export interface Deed {
  readonly text: string;
  /** The process that did it. */
  readonly pid: number;
}

/** What the demonstrations do, in all processes of the shop. */
@Injectable()
export class Activity implements OnApplicationShutdown {
  private readonly deeds = new Subject<Deed>();
  private publish: (deed: Deed) => void = (deed) => this.deeds.next(deed);
  private end = (): void => {};

  /** @param redisUrl Which Redis tells the other processes; without it there are none. */
  static async over(redisUrl: string | undefined): Promise<Activity> {
    const activity = new Activity();
    if (redisUrl !== undefined) await activity.connect(redisUrl);
    return activity;
  }

  /** Tells all who watch, in every process. */
  tell(text: string): void {
    this.publish({ text, pid: process.pid });
  }

  watch(): Observable<Deed> {
    return this.deeds;
  }

  onApplicationShutdown(): void {
    this.deeds.complete();
    this.end();
  }

  private async connect(redisUrl: string): Promise<void> {
    const [sender, receiver] = [await openRedis(redisUrl), await openRedis(redisUrl)];
    receiver.on('message', (_, text: string) => this.deeds.next(JSON.parse(text) as Deed));
    await receiver.subscribe(CHANNEL);
    this.publish = (deed) => {
      sender.publish(CHANNEL, JSON.stringify(deed)).catch(() => {});
    };
    this.end = () => {
      sender.disconnect();
      receiver.disconnect();
    };
  }
}
