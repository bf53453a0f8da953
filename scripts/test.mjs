// Runs tiers of the tests that `npm test` leaves out, with everything that they ask for (`EFFORT=1`).
//
//   node scripts/test.mjs all                  every test there is
//   node scripts/test.mjs properties           the properties of the quick tier, in full
//   node scripts/test.mjs attacks peers        tiers of test/tiers.json
//   node scripts/test.mjs all --bail=1          what begins with a dash, and all behind it, is for vitest
//
// Installs the packages of test/integration and of pages when they are needed and absent. Tells at the start what will be skipped for
// want of a program, after each file how far it is, and at the end what was skipped and why.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesWithProperties, readTiers } from './tiers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const tiers = readTiers(root)
const args = process.argv.slice(2)
const firstOption = args.findIndex((arg) => arg.startsWith('-'))
const names = firstOption < 0 ? args : args.slice(0, firstOption)
const options = firstOption < 0 ? [] : args.slice(firstOption)
const known = ['all', 'properties', ...Object.keys(tiers)]
const unknown = names.find((name) => !known.includes(name))
if (names.length === 0 || unknown !== undefined) {
  console.error(
    `${unknown === undefined ? 'Name a tier' : `"${unknown}" is no tier`}; the tiers are ${known.join(', ')}.`,
  )
  process.exit(2)
}
const isAll = names.includes('all')
if (names.includes('properties') && names.length > 1) {
  console.error('The tier "properties" runs by itself; "all" contains it.')
  process.exit(2)
}

if (isAll || names.includes('peers')) installPackages()

let filter = []
if (names[0] === 'properties') filter = ['--project', 'quick', ...filesWithProperties(root, tiers)]
else if (!isAll) filter = names.flatMap((name) => ['--project', name])
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'progress-reporter.mjs')}`]
const { status, signal } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...filter, ...options], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, EFFORT: process.env.EFFORT ?? '1' },
})
if (signal !== null) console.error(`vitest ended with ${signal}`)
process.exitCode = status ?? 1

function installPackages() {
  for (const folder of ['test/integration', 'pages']) {
    if (existsSync(join(root, folder, 'node_modules', '.package-lock.json'))) continue
    console.log(`installing the packages of ${folder}`)
    const args = ['ci', '--ignore-scripts', '--prefix', join(root, folder)]
    const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit' })
    // The tests that need them say themselves that they were skipped, or fail where nothing may be.
    if (status !== 0) console.error('they cannot be installed')
  }
}
