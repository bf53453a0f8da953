// Prints the closing line of a CI run, `N passed, N failed`, from vitest's JSON report.
//
//   node scripts/ci-summary.mjs <report.json> <exit code of the tests> [failed step...]
//
// What failed without being a test counts as one failure each: a step such as lint, a test file that could not be loaded,
// and a run that ended badly though no test did.
import { readFileSync } from 'node:fs'

const [path, exitCode, ...failedSteps] = process.argv.slice(2)

let passed = 0
let failed = 0
let skipped = 0
try {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed = report.numPassedTests
  failed = report.numFailedTests
  skipped = report.numPendingTests + report.numTodoTests
  for (const file of report.testResults) {
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) failed += 1
  }
} catch (error) {
  console.error(`no test report: ${error.message}`)
}
if (exitCode !== '0' && failed === 0) failed = 1
failed += failedSteps.length

if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed} failed`)
