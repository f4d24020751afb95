import { contended } from './contended.mjs';
import { quorum } from './quorum.mjs';

/** Everything that is measured, in the order in which it is run. */
export const works = [...contended, ...quorum];
