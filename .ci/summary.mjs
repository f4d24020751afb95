// Prints "N passed, N failed" from jest's JSON result. A test file that could not be run
// counts as one failure. Fails when anything failed or nothing ran.
import { readFileSync } from 'node:fs';

const { passed, failed } = read(process.argv[2]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function read(file) {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
