// Prints the test files that failed, one a line.
import { resultsIn } from './results.mjs';

for (const { file, failed } of resultsIn(process.argv[2]) ?? []) if (failed > 0) console.log(file);
