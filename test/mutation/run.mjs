// `npm run mutation [-- frames|protocol|handshake|folder/file.ts…]`: changes the sources of the pure core one place at a time
// and counts how many of the changes its tests notice. Without arguments: the three folders.
//
//   MUTATION_JOBS       source files that are tried beside each other, 1 by default
//   MUTATION_FORCE=1    tries every mutant again; otherwise only those that a changed source or test may judge anew
//   MUTATION_TIMEOUT=1  tries also those again that timed out: on a busy machine a test may be slow that is not endless
//   MUTATION_SHOW=1     tries nothing; shows what the runs before found
//
// Every source file is a run of its own: only what is mutated is instrumented, so the loops of the other files keep their
// speed, and the outcome stays in reports/mutation/ whatever becomes of the rest. Installs the mutation tester on first use.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..', '..')
const kept = join(root, 'reports', 'mutation')
const stryker = join(here, 'node_modules', '@stryker-mutator')
/** What runs now; none outlives this process. */
const testers = new Set()

/** Files in which nothing happens after they are loaded: types, names, constants. */
const WITHOUT_CODE = ['index.ts', 'mask-kernel.ts', 'violation.ts', 'head.ts', 'listener.ts']

/** Which tests judge a file besides those that begin with its name. */
const ALSO_JUDGED_BY = {
  'handshake/head-scanner.ts': ['handshake/head-reader.test.ts', 'handshake/head-reader.property.test.ts'],
  'handshake/request-line.ts': ['handshake/head-reader.test.ts', 'handshake/head-reader-messages.test.ts'],
  'handshake/status-line.ts': ['handshake/head-reader.test.ts', 'handshake/head-reader-messages.test.ts'],
  'protocol/connection.ts': ['protocol/listener.test.ts'],
  'protocol/message-assembler.ts': ['protocol/message-sink.test.ts'],
  'protocol/reader.ts': ['protocol/connection-pause.test.ts', 'protocol/listener.test.ts'],
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['frames', 'protocol', 'handshake']
const sources = wanted.flatMap((part) =>
  part.endsWith('.ts')
    ? [part]
    : readdirSync(join(root, 'src', part))
        .filter((name) => name.endsWith('.ts') && !WITHOUT_CODE.includes(name))
        .map((name) => `${part}/${name}`),
)
if (process.env.MUTATION_SHOW !== '1') await tryAll()
const reports = sources.filter((source) => existsSync(reportOf(source))).map(readReport)
console.log(reports.flatMap(survivors).join('\n'))
console.log('\n| folder | killed | timed out | survived | not covered | static | score of covered |')
console.log('|---|---|---|---|---|---|---|')
for (const folder of new Set(reports.map(({ source }) => source.split('/')[0]))) {
  const files = reports.filter(({ source }) => source.startsWith(`${folder}/`))
  for (const file of files) console.log(row(file.source, file.mutants))
  console.log(
    row(
      `**${folder}**`,
      files.flatMap(({ mutants }) => mutants),
    ),
  )
}

async function tryAll() {
  if (!existsSync(stryker)) {
    const { status } = spawnSync('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-progress'], {
      stdio: 'inherit',
    })
    if (status !== 0) process.exit(1)
  }
  const work = mkdtempSync(join(tmpdir(), 'mutation-'))
  process.on('exit', () => {
    for (const tester of testers) tester.kill()
    rmSync(work, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
  const queue = [...sources]
  await Promise.all(
    Array.from({ length: Number(process.env.MUTATION_JOBS ?? 1) }, async () => {
      for (let source = queue.shift(); source !== undefined; source = queue.shift()) {
        const started = performance.now()
        const { code, output } = await tryFile(source, work)
        const seconds = Math.round((performance.now() - started) / 1000)
        if (code === 0) console.log(`${row(source, readReport(source).mutants)} ${seconds} s`)
        else console.log(`${source}: the mutation tester ended with code ${code}\n${output}`)
        if (code !== 0) process.exitCode = 1
      }
    }),
  )
}

/** Runs the mutants of one file. @returns what the tester printed and its exit code */
function tryFile(source, work) {
  const [folder, file] = source.split('/')
  const config = join(work, `${folder}-${file}.json`)
  const before = join(kept, folder, `${file}.incremental.json`)
  mkdirSync(join(kept, folder), { recursive: true })
  if (process.env.MUTATION_TIMEOUT === '1' && existsSync(before)) forgetTimeouts(before)
  writeFileSync(
    config,
    JSON.stringify({
      mutate: [`src/${source}`],
      testRunner: 'vitest',
      plugins: [join(stryker, 'vitest-runner', 'dist', 'src', 'index.js')],
      // The configuration names the tests; to look for those that import the file would take longer than most of them.
      vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
      coverageAnalysis: 'perTest',
      incremental: true,
      incrementalFile: before,
      force: process.env.MUTATION_FORCE === '1',
      reporters: ['json'],
      jsonReporter: { fileName: reportOf(source) },
      ignorePatterns: ['/bench', '/docs', '/dist', '/reports', '/test/mutation/node_modules'],
      // A static mutant is alive from the load of its module on, so it would need all tests in a process of its own.
      ignoreStatic: true,
      concurrency: 1,
      timeoutMS: 8_000,
      timeoutFactor: 3,
      tempDirName: join(work, `${folder}-${file}`),
    }),
  )
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(stryker, 'core', 'bin', 'stryker.js'), 'run', config], {
      cwd: root,
      env: {
        ...process.env,
        MUTATION_TESTS: testsOf(source).join(' '),
        // Random properties make a mutant's fate random; the same seed makes the run repeatable.
        FC_SEED: process.env.FC_SEED ?? '1',
        EFFORT: process.env.EFFORT ?? '0.05',
      },
    })
    testers.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text
      })
    }
    child.on('close', (code) => {
      testers.delete(child)
      resolve({ code, output })
    })
  })
}

/** Takes the mutants that timed out from the outcome of the run before, so that they are tried again. */
function forgetTimeouts(path) {
  const outcome = JSON.parse(readFileSync(path, 'utf8'))
  for (const file of Object.values(outcome.files)) {
    file.mutants = file.mutants.filter(({ status }) => status !== 'Timeout')
  }
  writeFileSync(path, JSON.stringify(outcome))
}

function testsOf(source) {
  const also = (ALSO_JUDGED_BY[source] ?? []).map((test) => `test/${test}`)
  return [`test/${source.replace(/\.ts$/, '*.test.ts')}`, ...also]
}

function reportOf(source) {
  return join(kept, `${source}.json`)
}

function readReport(source) {
  const [file] = Object.values(JSON.parse(readFileSync(reportOf(source), 'utf8')).files)
  return { source, text: file.source, mutants: file.mutants }
}

/** A line for each mutant that no test noticed. */
function survivors({ source, text, mutants }) {
  return mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ status, location: { start, end }, replacement = '', mutatorName }) => {
      const line = text.split('\n')[start.line - 1]
      const before = start.line === end.line ? line.slice(start.column - 1, end.column - 1) : line.trim()
      return `${source}:${start.line}:${start.column} ${status} ${mutatorName}: ${before} -> ${replacement} | ${line.trim()}`
    })
}

function row(name, mutants) {
  const counts = { Killed: 0, Timeout: 0, Survived: 0, NoCoverage: 0, Ignored: 0 }
  for (const { status } of mutants) counts[status]++
  const { Killed, Timeout, Survived, NoCoverage, Ignored } = counts
  const covered = Killed + Timeout + Survived
  const score = covered === 0 ? '-' : `${((100 * (Killed + Timeout)) / covered).toFixed(1)} %`
  return `| ${name} | ${Killed} | ${Timeout} | ${Survived} | ${NoCoverage} | ${Ignored} | ${score} |`
}
