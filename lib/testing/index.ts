export { expectLocked } from './expect-locked.js';
export { LockTesting } from './lock-testing.js';
export { LockTestingModule, getLockTestingToken } from './lock-testing.module.js';
export type { LockTestingOptions } from './lock-testing.module.js';
