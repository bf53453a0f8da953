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
const [options, runtimes] = takeRuntimes(process.argv.slice(2))
if (runtimes.length > 0) {
  run('npm', ['install', '--prefix', here, '--ignore-scripts', '--no-save', '--no-progress', ...runtimes])
}
rmSync(build, { recursive: true, force: true })
run(process.execPath, [join(here, '..', 'node_modules', 'typescript', 'bin', 'tsc'), '-p', here])
// What is not compiled is copied: data and the programs in other languages.
for (const folder of ['corpus', 'load']) cpSync(join(here, folder), join(build, 'bench', folder), { recursive: true })
for (const name of ['bun', 'deno']) {
  const file = join('servers', `echo-${name}.mjs`)
  cpSync(join(here, file), join(build, 'bench', file))
}
// While others are measured, and garbage is collected, code that waits must not be thrown away.
run(process.execPath, ['--expose-gc', '--no-flush-bytecode', join(build, 'bench', 'main.js'), ...options])

/** `--with bun,deno`: packages that hold the program of a runtime for this machine, and nothing else. */
function takeRuntimes(args) {
  const at = args.indexOf('--with')
  if (at === -1) return [args, []]
  const arch = process.arch === 'arm64'
  const packages = {
    bun: arch ? '@oven/bun-linux-aarch64@1.4.5' : '@oven/bun-linux-x64@1.4.5',
    deno: arch ? '@deno/linux-arm64-glibc@2.9.6' : '@deno/linux-x64-glibc@2.9.6',
  }
  const names = (args[at + 1] ?? '').split(',')
  const unknown = names.find((name) => !Object.hasOwn(packages, name))
  if (unknown !== undefined) {
    console.error(`--with takes bun, deno or both; not ${unknown || 'nothing'}`)
    process.exit(2)
  }
  return [args.toSpliced(at, 2), names.map((name) => packages[name])]
}

function isOlder(made, source) {
  return !existsSync(made) || statSync(made).mtimeMs < statSync(source).mtimeMs
}

function run(program, args) {
  // What npm says is no part of the report.
  const { status } = spawnSync(program, args, { stdio: ['inherit', program === 'npm' ? 2 : 'inherit', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
