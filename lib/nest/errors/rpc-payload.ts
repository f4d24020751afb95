import type { ArgumentsHost } from '@nestjs/common';
import type { LockError, LockErrorCode } from '../../engine/api/errors.js';
import { grpcCallOf } from '../transport/grpc-call.js';
import { factsOf } from './facts.js';
import { publicViewOf } from './public.js';

const INVALID_ARGUMENT = 3;

/** Status codes of gRPC. */
const GRPC_CODES: Record<LockErrorCode, number> = {
  LOCK_TIMEOUT: 10, // ABORTED
  LOCK_QUEUE_FULL: 8, // RESOURCE_EXHAUSTED
  LOCK_UNAVAILABLE: 14, // UNAVAILABLE
  LOCK_LOST: 13, // INTERNAL
  LOCK_KEY: 13,
  LOCK_CONFIG: 13,
  LOCK_SHUTDOWN: 14,
};

/** What an RPC client is sent for a lock error. gRPC has a number where the others have our code. */
export function rpcPayloadOf(error: LockError, host: ArgumentsHost): object {
  const view = publicViewOf(error);
  if (grpcCallOf(host) === undefined) return { status: 'error', ...view };
  const { requestFault } = factsOf(error);
  const code = requestFault === undefined ? GRPC_CODES[error.code] : INVALID_ARGUMENT;
  return { code, message: view.message };
}
