// The requirement matrix: which rule of RFC 6455 and 7692 is obeyed where, and which tests prove it.
//
//   npm run matrix                                   run all tests, then write docs/rfc/matrix.md and docs/rfc/matrix.html
//   npm run matrix -- --results <report.json>        use vitest's JSON report of a run that was made before
//   npm run matrix -- --results <report.json> --check   write nothing; exit code 1 when anything is wrong
//
// Wrong is: a MUST or MUST NOT for a server or both, with a way to test it, that has no `@req` tag in src/ or no passing
// test, and no exception; a tag, a test title or an exception with an unknown id; an exception without a reason.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { count, findTags, join, parseTable, readTests } from './matrix-join.mjs'
import { toHtml, toMarkdown } from './matrix-pages.mjs'

const { values } = parseArgs({
  options: { root: { type: 'string' }, results: { type: 'string' }, check: { type: 'boolean', default: false } },
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
const tests = readTests(readReport(), root)

const { rows, problems } = join({ requirements, tags, tests, exceptions })
if (!values.check) {
  writeFileSync(inDocs('matrix.md'), toMarkdown(rows))
  writeFileSync(inDocs('matrix.html'), toHtml(rows))
}
for (const problem of problems) console.error(problem)
const required = rows.filter((row) => row.required)
console.log(summary('testable MUST and MUST NOT of a server', required))
console.log(summary('all requirements', rows))
if (problems.length > 0) process.exitCode = 1

function readReport() {
  if (values.results !== undefined) return JSON.parse(readFileSync(values.results, 'utf8'))
  const folder = mkdtempSync(joinPath(tmpdir(), 'framewright-matrix-'))
  try {
    const path = joinPath(folder, 'report.json')
    const vitest = joinPath(root, 'node_modules', 'vitest', 'vitest.mjs')
    const args = [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${path}`]
    spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    return JSON.parse(readFileSync(path, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function summary(what, some) {
  const counts = Object.entries(count(some)).map(([status, n]) => `${n} ${status}`)
  return `${what}: ${some.length} (${counts.join(', ')})`
}
