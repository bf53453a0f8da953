// `npm run mutation [-- folder…]`: changes the sources of the pure core one place at a time and counts how many of the
// changes a test notices. Without folders: frames, protocol and handshake. Installs the mutation tester on first use.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..', '..')

if (!existsSync(join(here, 'node_modules', '@stryker-mutator'))) {
  run('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-progress'], root)
}
const folders = process.argv.slice(2)
const work = mkdtempSync(join(tmpdir(), 'mutation-'))
const report = join(work, 'mutation.json')
const config = join(work, 'stryker.config.json')
writeFileSync(
  config,
  JSON.stringify({
    mutate: (folders.length > 0 ? folders : ['frames', 'protocol', 'handshake']).flatMap((folder) => [
      folder.endsWith('.ts') ? `src/${folder}` : `src/${folder}/**/*.ts`,
    ]),
    testRunner: 'vitest',
    plugins: [join(here, 'node_modules', '@stryker-mutator', 'vitest-runner', 'dist', 'src', 'index.js')],
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: true },
    coverageAnalysis: 'perTest',
    reporters: ['json', 'dots'],
    jsonReporter: { fileName: report },
    ignorePatterns: ['/bench', '/docs', '/dist', '/test/mutation/node_modules'],
    // A static mutant is alive from the load of its module on, so it would need all tests in a process of its own.
    ignoreStatic: true,
    concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
    timeoutMS: 20_000,
    // Random properties make a mutant's fate random; the same seed makes the run repeatable.
    tempDirName: join(work, 'sandbox'),
  }),
)
run(
  process.execPath,
  [join(here, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js'), 'run', config],
  root,
)
summarize(JSON.parse(readFileSync(report, 'utf8')))

function run(program, args, cwd) {
  const env = { ...process.env, FC_SEED: process.env.FC_SEED ?? '1', FC_RUNS: process.env.FC_RUNS ?? '200' }
  const { status } = spawnSync(program, args, { stdio: ['inherit', 'inherit', 'inherit'], cwd, env })
  if (status !== 0) process.exit(status ?? 1)
}

/** Prints a table by folder, and every mutant that lived. */
function summarize({ files }) {
  const byFolder = new Map()
  const survivors = []
  for (const [file, { mutants, source }] of Object.entries(files)) {
    const folder = file.split('/')[1]
    const counts = byFolder.get(folder) ?? {}
    byFolder.set(folder, counts)
    for (const { status, location, replacement, mutatorName } of mutants) {
      counts[status] = (counts[status] ?? 0) + 1
      if (status !== 'Survived') continue
      const line = source.split('\n')[location.start.line - 1].trim()
      survivors.push(`${file}:${location.start.line} ${mutatorName} -> ${replacement ?? ''} | ${line}`)
    }
  }
  console.log(survivors.join('\n'))
  console.log(
    '\n| folder | killed | timed out | survived | not covered | score of covered |\n|---|---|---|---|---|---|',
  )
  for (const [folder, { Killed = 0, Timeout = 0, Survived = 0, NoCoverage = 0 }] of byFolder) {
    const score = (100 * (Killed + Timeout)) / (Killed + Timeout + Survived)
    console.log(`| ${folder} | ${Killed} | ${Timeout} | ${Survived} | ${NoCoverage} | ${score.toFixed(1)} % |`)
  }
}
