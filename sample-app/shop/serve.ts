import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import { StartError } from '../start-error.js';

const HOST = '127.0.0.1';

export interface ShopOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where stock and locks are kept; `undefined`: in the memory of this process. */
  readonly redisUrl: string | undefined;
}

/**
 * Opens the shop on loopback. Nest logs no errors before the port is open: the caller tells them, once.
 *
 * @throws {StartError} The port is in use.
 */
export async function serve({ redisUrl, port }: ShopOptions): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.forStore(redisUrl), {
    abortOnError: false,
    // A page that watches has a connection that never ends by itself.
    forceCloseConnections: true,
    logger: ['fatal', 'warn'],
  });
  app.enableShutdownHooks();
  try {
    await app.listen(port, HOST);
  } catch (error) {
    await app.close();
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portInUse(port) : error;
  }
  app.useLogger(['fatal', 'error', 'warn']);
  return app;
}

function portInUse(port: number): StartError {
  return new StartError(`Port ${port} is in use. Choose another one: PORT=${port + 1} npm start`);
}
