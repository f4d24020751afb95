import { contended } from './contended.mjs';
import { heldLocks } from './held-locks.mjs';
import { kinds } from './kinds.mjs';
import { http } from './http.mjs';
import { quorum } from './quorum.mjs';

/** Everything that is measured, in the order in which it is run. */
export const works = [...contended, ...kinds, ...quorum, ...http, heldLocks];
