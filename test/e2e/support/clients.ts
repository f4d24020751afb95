import { once } from 'node:events';

import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { io, type Socket } from 'socket.io-client';

import { afterTest } from '../../support/after-test.js';
import type { TestApp } from './app.js';

/** Calls a message handler over TCP. */
export type Rpc = (pattern: string, data?: unknown) => Promise<unknown>;

export function connectRpc({ rpcPort }: TestApp): Rpc {
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: rpcPort },
  });
  afterTest(() => client.close());
  return (pattern, data = {}) =>
    lastValueFrom(client.send(pattern, data), { defaultValue: undefined });
}

/** Sends a message and waits for its answer, or rejects with what the `exception` event carries. */
export type Ask = (event: string, data?: unknown) => Promise<unknown>;

export async function connectSocket({ url }: TestApp): Promise<{ ask: Ask; socket: Socket }> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false });
  afterTest(() => socket.disconnect());
  if (!socket.connected) await once(socket as never, 'connect');
  const ask: Ask = (event, data = {}) =>
    new Promise((resolve, reject) => {
      socket.once('exception', reject);
      socket.emit(event, data, (answer: unknown) => {
        socket.off('exception', reject);
        resolve(answer);
      });
    });
  return { ask, socket };
}

export interface GraphqlAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: { message: string; extensions: Record<string, unknown> }[];
}

/** A GraphQL endpoint whose schema comes from the resolvers. */
export function graphqlModule(options: Partial<ApolloDriverConfig> = {}): DynamicModule {
  return GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    ...options,
  });
}

export async function askGraphql({ url }: TestApp, query: string): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as GraphqlAnswer;
}
