// Prints the closing line of a CI run, `N passed, N failed`, from vitest's JSON reports.
//
//   node scripts/ci-summary.mjs --run <exit code>=<report.json> [--run ...] [failed step...]
//
// A test that several runs have run counts once, as failed when one of them saw it fail. What failed without being a test
// counts as one failure each: a step such as lint, a test file that could not be loaded, and a run that ended badly though
// no test did.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { joinTests, readTests } from './matrix-join.mjs'

const { values, positionals: failedSteps } = parseArgs({
  options: { run: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
})

let failed = failedSteps.length
const runs = []
for (const run of values.run) {
  const [exitCode, path] = run.split(/=(.*)/s)
  let seen = 0
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'))
    const unloaded = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    ).length
    const tests = readTests(report, process.cwd())
    failed += unloaded
    seen = unloaded + tests.filter(({ status }) => status === 'failed').length
    runs.push(tests)
  } catch (error) {
    console.error(`no test report: ${error.message}`)
  }
  if (exitCode !== '0' && seen === 0) failed += 1
}

const tests = joinTests(runs)
const count = (status) => tests.filter((test) => test.status === status).length
const passed = count('passed')
const skipped = tests.length - passed - count('failed')
failed += count('failed')

if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed} failed`)
