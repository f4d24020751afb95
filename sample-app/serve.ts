import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import type { Settings } from './settings.js';
import { StartError } from './start-error.js';

/**
 * Opens the shop. Nest logs no errors before the port is open: the caller tells them, once.
 *
 * @throws {StartError} The port is in use.
 */
export async function serve({ redisUrl, port }: Settings): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.forStore(redisUrl), {
    abortOnError: false,
    logger: ['fatal', 'warn'],
  });
  app.enableShutdownHooks();
  try {
    await app.listen(port);
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
