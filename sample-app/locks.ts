import type { DynamicModule } from '@nestjs/common';
import { RedisLockModule } from 'nestjs-redis-lock';

/** @param redisUrl Where locks are kept; without it in the memory of this process. */
export function locksIn(redisUrl: string | undefined): DynamicModule {
  return RedisLockModule.forRoot({
    connection: redisUrl ?? 'memory',
    keyPrefix: 'flash-sale:lock:',
  });
}
