// Prints the test files in which tests failed, one a line; nothing when to run them again would prove
// nothing: a file failed by itself, or is one of the contract, which is held against random sequences.
import { resultsIn } from './results.mjs';

const failed = (resultsIn(process.argv[2]) ?? []).filter((result) => result.failed > 0);
const isTimed = ({ file, isBroken }) => !isBroken && !file.startsWith('test/contract/');
if (failed.every(isTimed)) for (const { file } of failed) console.log(file);
