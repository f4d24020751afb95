import { contended } from './contended.mjs';
import { heldLocks } from './held-locks.mjs';
import { http } from './http.mjs';
import { quorum } from './quorum.mjs';

/** Everything that is measured, in the order in which it is run. */
export const works = [...contended, ...quorum, ...http, heldLocks];
