// `npm run bench`: installs what the benches need on their first run, compiles them together with src/, and runs them
// with plain node, so that what is measured is what tsc makes of the sources and nothing else.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const build = join(here, '.build')

if (isOlder(join(here, 'node_modules', '.package-lock.json'), join(here, 'package-lock.json'))) {
  run('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-progress'])
}
rmSync(build, { recursive: true, force: true })
run(process.execPath, [join(here, '..', 'node_modules', 'typescript', 'bin', 'tsc'), '-p', here])
// What is not compiled is copied: data and the programs in other languages.
for (const folder of ['corpus', 'load']) cpSync(join(here, folder), join(build, 'bench', folder), { recursive: true })
run(process.execPath, ['--expose-gc', join(build, 'bench', 'main.js'), ...process.argv.slice(2)])

function isOlder(made, source) {
  return !existsSync(made) || statSync(made).mtimeMs < statSync(source).mtimeMs
}

function run(program, args) {
  // What npm says is no part of the report.
  const { status } = spawnSync(program, args, { stdio: ['inherit', program === 'npm' ? 2 : 'inherit', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
