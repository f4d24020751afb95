import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** What jest's JSON says of each test file; `undefined` where there is no such result. */
export function resultsIn(json) {
  try {
    return JSON.parse(readFileSync(json, 'utf8')).testResults.map(resultOf);
  } catch {
    return undefined;
  }
}

function resultOf({ name, status, assertionResults }) {
  const failures = assertionResults
    .filter((test) => test.status === 'failed')
    .map((test) => test.fullName);
  // It could not be run, or it left something open.
  const isBroken = status === 'failed' && failures.length === 0;
  if (isBroken) failures.push('the file itself');
  return {
    file: relative(process.cwd(), name),
    passed: assertionResults.filter((test) => test.status === 'passed').length,
    failed: failures.length,
    failures,
    isBroken,
  };
}
