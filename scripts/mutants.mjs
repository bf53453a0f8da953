// Proves that the ids in test titles are no decoration: each row of mutants.tsv breaks one rule of one requirement in a copy of the
// tree, and a test that carries the id must turn red.
//
//   npm run mutants                     every row
//   npm run mutants -- 6455-5.2 6455-7  only the ids that start so
//
// Exit code 1 when a mutant survives, when the search text of a row does not stand exactly once in its file, or when no test
// carries the id. In `search` and `replace`, \n is a line break and \\ a backslash.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTable, readTests } from './matrix-join.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const COPIED = ['src', 'test', 'docs', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']
const COPIES = 2
/** Where the tests of the server are. */
const TESTS = ['frames', 'handshake', 'protocol', 'socket', 'server', 'conformance'].map((name) => `test/${name}`)

const unescaped = (text) => text.replace(/\\(n|\\)/g, (_, char) => (char === 'n' ? '\n' : '\\'))
const wanted = process.argv.slice(2)
const mutants = parseTable(readFileSync(join(root, 'scripts', 'mutants.tsv'), 'utf8'))
  .filter(({ id }) => wanted.length === 0 || wanted.some((start) => id.startsWith(start)))
  .map(({ id, file, search, replace }) => ({ id, file, search: unescaped(search), replace: unescaped(replace) }))

const folder = mkdtempSync(join(tmpdir(), 'framewright-mutants-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

const copies = Array.from({ length: COPIES }, (_, i) => makeCopy(String(i)))
const queue = [...mutants]
const outcomes = []
const started = performance.now()
// First without a mutation: a test that is red anyway proves nothing.
const before = await runTests(
  copies[0],
  TESTS,
  mutants.map(({ id }) => id),
)
await Promise.all(
  copies.map(async (copy) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const outcome = { ...mutant, ...(await tryMutant(copy, mutant)) }
      outcomes.push(outcome)
      console.log(`${outcome.verdict.padEnd(8)} ${mutant.id.padEnd(14)} ${mutant.file}: ${outcome.detail}`)
    }
  }),
)

const killed = outcomes.filter(({ verdict }) => verdict === 'killed').length
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`${killed} of ${mutants.length} mutants killed by a test that carries the id, in ${seconds} s`)
if (killed < mutants.length || mutants.length === 0) process.exitCode = 1

function makeCopy(name) {
  const copy = join(folder, name)
  for (const entry of COPIED) cpSync(join(root, entry), join(copy, entry), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

async function tryMutant(copy, { id, file, search, replace }) {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  const times = source.split(search).length - 1
  if (times !== 1) return { verdict: 'invalid', detail: `the search text stands there ${times} times` }
  const green = before.filter(({ ids, status }) => ids.includes(id) && status === 'passed')
  const red = before.filter(({ ids, status }) => ids.includes(id) && status === 'failed')
  if (green.length === 0) return { verdict: 'invalid', detail: 'no test carries the id' }
  if (red.length > 0) return { verdict: 'invalid', detail: `fails without the mutation: ${nameOf(red[0])}` }
  writeFileSync(
    path,
    source.replace(search, () => replace),
  )
  try {
    const tests = await runTests(copy, [...new Set(green.map((test) => test.file))], [id], '--bail=1')
    const failed = tests.find(({ ids, status }) => ids.includes(id) && status === 'failed')
    if (failed === undefined) return { verdict: 'survived', detail: `${green.length} tests stayed green` }
    return { verdict: 'killed', detail: nameOf(failed) }
  } finally {
    writeFileSync(path, source)
  }
}

function nameOf({ file, title }) {
  return `${relative('test', file)} > ${title}`
}

/** Runs the tests in these files or folders that carry one of the ids. */
async function runTests(copy, files, ids, ...more) {
  const outputFile = join(copy, 'report.json')
  rmSync(outputFile, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const pattern = `\\b(?:${ids.join('|').replaceAll('.', '\\.')})(?!\\d)`
  // A mutant may make a test wait for what never comes.
  const args = ['--root', copy, '-t', pattern, '--testTimeout=10000', '--reporter=json', ...more]
  await new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, 'run', ...files, ...args, `--outputFile.json=${outputFile}`], {
      cwd: copy,
      stdio: 'ignore',
      env: { ...process.env, EFFORT: process.env.EFFORT ?? '1' },
    })
    child.on('close', resolve)
  })
  return readTests(JSON.parse(readFileSync(outputFile, 'utf8')), copy)
}
