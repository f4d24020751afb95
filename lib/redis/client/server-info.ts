import type { Redis } from 'ioredis';

/** Names the server process; without the right to ask, no push is ever started on unconfirmed. */
export async function serverIdOf(client: Redis): Promise<string | undefined> {
  const info = await client.info('server').catch(() => '');
  return /^run_id:(\w+)/m.exec(info)?.[1];
}
