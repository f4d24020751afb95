// Prints the test files in which tests failed, one a line; nothing when to run them again would prove
// nothing: a file failed by itself, or is one that searches at random for what must never happen.
import { readFileSync } from 'node:fs';

import { resultsIn } from './results.mjs';

const failed = (resultsIn(process.argv[2]) ?? []).filter((result) => result.failed > 0);
const isRandom = (file) => /'fast-check'|support\/random/.test(readFileSync(file, 'utf8'));
const isTimed = ({ file, isBroken }) => !isBroken && !isRandom(file);
if (failed.every(isTimed)) for (const { file } of failed) console.log(file);
