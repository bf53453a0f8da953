// `npm run fuzz:jazzer -- TARGET [--seconds N]`: runs a target of test/fuzz/targets/ under Jazzer.js, guided by libFuzzer.
// Installs Jazzer.js beside this file on first use. Its binary needs glibc 2.38; `npm run fuzz` needs nothing.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..', '..', '..')
/** Where it is compiled to. */
let work
const targets = readdirSync(join(here, '..', 'targets')).map((file) => file.replace(/\.ts$/, ''))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string', default: '0' } },
})
const [target] = positionals
if (positionals.length !== 1 || !targets.includes(target)) {
  fail(2, `give one target: ${targets.join(', ')}`)
}
if (!/^\d+$/.test(values.seconds) || !/^\d+$/.test(values.seed)) fail(2, '--seconds and --seed take whole numbers')

if (!existsSync(join(here, 'node_modules', '@jazzer.js'))) run('npm', ['ci', '--prefix', here, '--no-progress'])
try {
  createRequire(import.meta.url)('@jazzer.js/fuzzer')
} catch (error) {
  const [reason] = String(error.message).split('\n')
  fail(1, `Jazzer.js cannot load its binary here (${reason}); \`npm run fuzz -- ${target}\` runs the same target`)
}

work = mkdtempSync(join(tmpdir(), 'framewright-jazzer-'))
try {
  compile()
  symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
  const corpus = join(work, 'corpus')
  mkdirSync(corpus)
  const inputs = readFileSync(join(here, '..', 'corpus', `${target}.hex`), 'utf8').split('\n')
  inputs.filter(Boolean).forEach((hex, i) => {
    writeFileSync(join(corpus, String(i)), Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
  })
  const jazzer = join(here, 'node_modules', '@jazzer.js', 'core', 'dist', 'cli.js')
  const file = join(work, 'test', 'fuzz', 'targets', `${target}.js`)
  // Connections leave work for later ticks, so those targets may not run synchronously.
  const mode = target.startsWith('connection') ? [] : ['--sync']
  const limits = [
    `-max_total_time=${values.seconds}`,
    `-seed=${values.seed}`,
    '-use_value_profile=1',
    '-rss_limit_mb=4096',
  ]
  run(process.execPath, [jazzer, file, corpus, '-i', work, ...mode, '--', ...limits], work)
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** The targets and the sources, as tsc makes JavaScript of them. */
function compile() {
  const config = join(work, 'tsconfig.json')
  const compilerOptions = { noEmit: false, noCheck: true, types: [], rootDir: root, outDir: work }
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [join(here, '..', 'targets')] }),
  )
  writeFileSync(join(work, 'package.json'), '{"type":"module"}')
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config])
}

function run(program, args, cwd = root) {
  const { status } = spawnSync(program, args, { cwd, stdio: 'inherit' })
  if (status === 0) return
  if (work !== undefined) rmSync(work, { recursive: true, force: true })
  process.exit(status ?? 1)
}

function fail(code, message) {
  console.error(`fuzz:jazzer: ${message}`)
  process.exit(code)
}
