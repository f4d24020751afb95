/**
 * The packages of RPC and WebSocket, which only applications with such handlers have; `undefined`
 * without them. Named by literals, so that a bundler gives us the application's own copy, whose
 * classes its filters know.
 */
export const peers = {
  rpc: () => import('@nestjs/microservices').catch(() => undefined),
  ws: () => import('@nestjs/websockets').catch(() => undefined),
};
