import type { Redis } from 'ioredis';

/** Why the server refuses the client its database; a client that is refused goes on in database 0. */
export async function refusalOfDatabase(client: Redis): Promise<Error | undefined> {
  const { db } = client.options;
  if (!db) return undefined;
  return client.select(db).then(
    () => undefined,
    (error: Error) => error,
  );
}
