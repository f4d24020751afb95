// Prints "N passed, N failed" over jest's JSON results, each file by the last of its runs, and names
// the files that failed at first. A test file that could not be run, and a result that is not
// there, count as one failure. Its first argument is how many steps failed: it never tells of fewer
// failures, so that it does not say 0 when only a step failed that is no test. Fails when anything
// failed or nothing ran.
import { resultsIn } from './results.mjs';

const files = new Map();
const [failedSteps, ...results] = process.argv.slice(2);
const runs = results.map(resultsIn);
for (const run of runs) for (const result of run ?? []) files.set(result.file, result);
const failedAtFirst = runs
  .flatMap((run) => run ?? [])
  .filter(({ file, failed }) => failed > 0 && files.get(file).failed === 0);
for (const { file, failures } of failedAtFirst)
  console.log(`Failed at first and passed alone: ${file}: ${failures.join('; ')}`);

const lost = runs.filter((run) => run === undefined).length;
const passed = sum([...files.values()].map((result) => result.passed));
const failedTests = sum([...files.values()].map((result) => result.failed)) + lost;
const failed = Math.max(failedTests, Number(failedSteps));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
