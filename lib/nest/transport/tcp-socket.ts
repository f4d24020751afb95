import type { Socket } from 'node:net';
import type { ArgumentsHost } from '@nestjs/common';

/** What is used here of the `TcpContext` of a message. */
interface TcpContext {
  getSocketRef(): { readonly netSocket?: Socket };
}

/** The socket that a message of Nest's TCP transport came by; `undefined` for any other. */
export function tcpSocketOf(host: ArgumentsHost): Socket | undefined {
  const context: Partial<TcpContext> | null | undefined = host.getArgByIndex(1);
  return typeof context?.getSocketRef === 'function' ? context.getSocketRef().netSocket : undefined;
}
