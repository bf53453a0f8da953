// The requirement matrix: which rule of RFC 6455 and 7692 is obeyed where, and which tests prove it.
//
//   npm run matrix                                   run all tests, then write docs/rfc/matrix.md and docs/rfc/matrix.html
//   npm run matrix -- --results <report.json>        use vitest's JSON report of a run that was made before; `--results`
//                                                    may be given for each of several runs, whose reports are joined
//   npm run matrix -- --results <report.json> --check   write nothing; exit code 1 when anything is wrong
//
// Wrong is: a MUST or MUST NOT for a server or both, with a way to test it, that has no `@req` tag in src/ or no passing
// test, and no exception; a tag, a test title or an exception with an unknown id; an exception without a reason; a
// requirement whose passing tests are all left out of `npm test` and that docs/rfc/wide-only.tsv does not list, or that it
// lists without need.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { count, findTags, join, joinTests, parseTable, readTests } from './matrix-join.mjs'
import { toHtml, toMarkdown } from './matrix-pages.mjs'
import { readTiers, tierOf } from './tiers.mjs'

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    results: { type: 'string', multiple: true },
    check: { type: 'boolean', default: false },
  },
})
const root = resolve(values.root ?? fileURLToPath(new URL('..', import.meta.url)))
const inDocs = (name) => joinPath(root, 'docs', 'rfc', name)

const requirements = parseTable(readFileSync(inDocs('requirements.tsv'), 'utf8'))
const exceptions = parseTable(readFileSync(inDocs('exceptions.tsv'), 'utf8'))
const tags = []
for (const entry of readdirSync(joinPath(root, 'src'), { recursive: true, encoding: 'utf8' }).sort()) {
  if (!entry.endsWith('.ts')) continue
  const file = `src/${entry.replaceAll('\\', '/')}`
  for (const tag of findTags(readFileSync(joinPath(root, file), 'utf8'))) tags.push({ ...tag, file })
}
if (!existsSync(joinPath(root, 'src', 'extensions'))) {
  // Nothing of RFC 7692 is claimed while no code offers it.
  const tagged = new Set(tags.map(({ id }) => id))
  for (const { id } of requirements) {
    if (id.startsWith('7692-') && !tagged.has(id))
      exceptions.push({ id, reason: 'permessage-deflate is not part of this version' })
  }
}
const tests = joinTests(readReports().map((report) => readTests(report, root)))
const tiers = readTiers(root)
const wideOnly = parseTable(readFileSync(inDocs('wide-only.tsv'), 'utf8'))

const { rows, problems } = join({
  requirements,
  tags,
  tests,
  exceptions,
  wideOnly,
  tierOf: (file) => tierOf(file, tiers),
})
if (!values.check) {
  writeFileSync(inDocs('matrix.md'), toMarkdown(rows))
  writeFileSync(inDocs('matrix.html'), toHtml(rows))
}
for (const problem of problems) console.error(problem)
const required = rows.filter((row) => row.required)
console.log(summary('testable MUST and MUST NOT of a server', required))
console.log(summary('all requirements', rows))
console.log(`tested, but not by npm test: ${wideOnly.length === 0 ? 'none' : wideOnly.map(({ id }) => id).join(', ')}`)
if (problems.length > 0) process.exitCode = 1

function readReports() {
  if (values.results !== undefined) return values.results.map((path) => JSON.parse(readFileSync(path, 'utf8')))
  const folder = mkdtempSync(joinPath(tmpdir(), 'framewright-matrix-'))
  try {
    const path = joinPath(folder, 'report.json')
    const args = [joinPath(root, 'scripts', 'test.mjs'), 'all', '--reporter=json', `--outputFile.json=${path}`]
    spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    return [JSON.parse(readFileSync(path, 'utf8'))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function summary(what, some) {
  const counts = Object.entries(count(some)).map(([status, n]) => `${n} ${status}`)
  return `${what}: ${some.length} (${counts.join(', ')})`
}
