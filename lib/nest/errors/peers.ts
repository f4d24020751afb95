/**
 * The packages of RPC and WebSocket, which only applications with such handlers have; `undefined`
 * without them. Named by literals, so that a bundler gives us the application's own copy, whose
 * classes its filters know.
 */
export const peers = {
  rpc: () => whole(import('@nestjs/microservices'), 'BaseRpcExceptionFilter'),
  ws: () => whole(import('@nestjs/websockets'), 'BaseWsExceptionFilter'),
};

/** Webpack gives an empty module for a package that is not there, from the second time on. */
async function whole<T extends object>(loading: Promise<T>, name: keyof T): Promise<T | undefined> {
  const peer = await loading.catch(() => undefined);
  return peer !== undefined && name in peer ? peer : undefined;
}
