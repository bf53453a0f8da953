// Runs the attack suite against this library and against ws, and writes docs/attack-table.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'attack-table-'))
/** Runs test files and gives what became of each test. */
function run(kind, paths) {
  const report = join(folder, `${kind}.json`)
  spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...paths,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ATTACK_TARGET: kind } },
  )
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  return testResults.flatMap(({ assertionResults }) => assertionResults)
}

/** `S-H01 D02: what a good server does` */
function idsOf(title) {
  return /^([SD]-?[A-Z]?\d+(?: [SD]-?[A-Z]?\d+)*): (.*)$/.exec(title)
}

function verdict(test) {
  if (test === undefined) return 'not run'
  if (test.status === 'passed') return 'holds'
  if (test.status !== 'failed') return 'no such option'
  const [first = ''] = (test.failureMessages[0] ?? '').split('\n')
  const reason = first
    .replace(/^(?:\w*Error): /, '')
    .replaceAll('|', '\\|')
    .replace(/; (last seen|so far).*/, '')
  return `**no**: ${reason.length > 140 ? `${reason.slice(0, 140)}…` : reason}`
}

const ours = run('framewright', ['test/attacks'])
const theirs = new Map(run('ws', ['test/attacks']).map((test) => [test.title, test]))

const rows = []
for (const test of ours) {
  const parts = idsOf(test.title)
  if (parts === null) continue
  const [, ids, title] = parts
  rows.push({ ids, title, ours: verdict(test), theirs: verdict(theirs.get(test.title)) })
}
rows.sort((a, b) => (a.ids < b.ids ? -1 : a.ids > b.ids ? 1 : 0))

const { version } = JSON.parse(readFileSync(join(root, 'node_modules/ws/package.json'), 'utf8'))
const count = (column, word) => rows.filter((row) => row[column].startsWith(word)).length
const lines = [
  '# Attacks',
  '',
  `One line per test of \`test/attacks/\`, run against this library and against ws ${version} by \`npm run attack-table\`, which writes this file. Each test ends with two checks: a connection opened before the attack still echoes and a new one succeeds; connections, timers, listeners and memory are back at the start, and nothing was uncaught.`,
  '',
  `Both libraries run with \`maxPayload\` 1 MiB, permessage-deflate in the rows on compression only, and their own defaults otherwise; Node ${process.versions.node}. The ids are those of the [threat model](threat-model.md). "no such option" stands where the attack is met with an option that ws does not have; "not run" where the suite does not fit it. A "no" for ws may be a choice of ws: the column says what happened, and the reason is the test's own first line.`,
  '',
  `framewright: ${count('ours', 'holds')} of ${rows.length} hold. ws: ${count('theirs', 'holds')} hold, ${count('theirs', '**no**')} do not, ${count('theirs', 'no such')} need an option it does not have, ${count('theirs', 'not run')} were not run.`,
  '',
  `| id | a server that withstands it | framewright | ws ${version} |`,
  '|---|---|---|---|',
  ...rows.map((row) => `| ${row.ids} | ${row.title} | ${row.ours} | ${row.theirs} |`),
  '',
]
writeFileSync(join(root, 'docs/attack-table.md'), lines.join('\n'))
console.log(lines[6])
process.exit(rows.every((row) => row.ours === 'holds') ? 0 : 1)
