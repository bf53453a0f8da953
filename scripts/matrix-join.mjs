// Joins requirements, `@req` tags, test results and exceptions to one verdict per requirement. No files, no processes.

const ID = /\b(?:6455|7692)-\d+(?:\.\d+)*-\d+\b/g

/** The rows of a tab-separated table whose first line names the columns. */
export function parseTable(text) {
  const [head, ...lines] = text.split('\n').filter((line) => line !== '')
  const names = head.split('\t')
  return lines.map((line) => {
    const cells = line.split('\t')
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
  })
}

/** Every `@req` tag of a source text: `[{ id, line }]`. A tag is followed by one id. */
export function findTags(source) {
  const tags = []
  for (const [i, text] of source.split('\n').entries()) {
    for (const [, id] of text.matchAll(/@req (\S+?)(?=[:;,.]?(?:\s|$))/g)) tags.push({ id, line: i + 1 })
  }
  return tags
}

/** Every test of a vitest JSON report: `[{ file, title, status, ids }]`; ids stand in brackets in the test's title or its describe's. */
export function readTests(report, root) {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status }) => {
      const whole = [...ancestorTitles, title].join(' > ')
      const ids = [...whole.matchAll(/\[([^[\]]*)\]/g)].flatMap(([, inside]) => inside.match(ID) ?? [])
      const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name
      return { file, title: whole, status, ids: [...new Set(ids)] }
    }),
  )
}

/** The tests of several runs, each test once: it has failed when one run saw it fail, and passed when one saw it pass. */
export function joinTests(runs) {
  const RANK = { failed: 2, passed: 1 }
  const joined = new Map()
  for (const test of runs.flat()) {
    const key = `${test.file} ${test.title}`
    const other = joined.get(key)
    if (other === undefined || (RANK[test.status] ?? 0) > (RANK[other.status] ?? 0)) joined.set(key, test)
  }
  return [...joined.values()]
}

/** Whether code and a passing test are demanded: a MUST or MUST NOT for a server, with a method to test it by. */
export function isRequired({ level, role, test_method }) {
  return (level === 'MUST' || level === 'MUST NOT') && (role === 'server' || role === 'both') && test_method !== 'none'
}

/**
 * One verdict per requirement, and everything that is wrong.
 *
 * - `met`: code carries the id and every test that carries it passes, one at least;
 * - `by design`: `exceptions` says why not;
 * - `not met`: required, and neither of the two;
 * - `no claim`: not required, and neither of the two.
 *
 * @param input.tags `[{ id, file, line }]`
 * @param input.exceptions rows with `id`, `reason`
 * @param input.wideOnly rows with `id`, `reason`: requirements that no test of `npm test` proves
 * @param input.tierOf the tier of a test file
 */
export function join({ requirements, tags, tests, exceptions, wideOnly, tierOf }) {
  const problems = []
  const known = new Set(requirements.map(({ id }) => id))
  for (const { id, file, line } of tags) {
    if (!known.has(id)) problems.push(`${file}:${line}: @req ${id} names no requirement`)
  }
  for (const { ids, file, title } of tests) {
    for (const id of ids) if (!known.has(id)) problems.push(`${file}: "${title}" names no requirement with ${id}`)
  }
  const reasons = new Map()
  for (const { id, reason } of exceptions) {
    if (!known.has(id)) problems.push(`exceptions: ${id} is no requirement`)
    if (reason.trim() === '') problems.push(`exceptions: ${id} has no reason`)
    if (reasons.has(id)) problems.push(`exceptions: ${id} stands twice`)
    reasons.set(id, reason)
  }

  const allowed = new Map(wideOnly.map(({ id, reason }) => [id, reason]))
  for (const [id, reason] of allowed) {
    if (!known.has(id)) problems.push(`wide-only: ${id} is no requirement`)
    if (reason.trim() === '') problems.push(`wide-only: ${id} has no reason`)
  }

  const tagsById = groupBy(tags, ({ id }) => [id])
  const testsById = groupBy(tests, ({ ids }) => ids)
  const rows = requirements.map((requirement) => {
    const { id } = requirement
    const code = tagsById.get(id) ?? []
    const all = testsById.get(id) ?? []
    const passed = all.filter(({ status }) => status === 'passed')
    const failed = all.filter(({ status }) => status === 'failed')
    const isMet = code.length > 0 && passed.length > 0 && failed.length === 0
    const required = isRequired(requirement)
    const reason = reasons.get(id)
    let status = 'no claim'
    if (isMet) status = 'met'
    else if (reason !== undefined && failed.length === 0) status = 'by design'
    else if (required || failed.length > 0) status = 'not met'
    if (isMet && reason !== undefined) problems.push(`exceptions: ${id} is met; it needs no exception`)
    if (status === 'not met') problems.push(`${id} (${requirement.level}) is not met: ${whyNot(code, passed, failed)}`)
    const isWideOnly = passed.length > 0 && !passed.some(({ file }) => tierOf(file) === 'quick')
    if (isWideOnly && !allowed.has(id))
      problems.push(
        `${id} is proved outside of npm test only, by ${passed[0].file}: test it there too, or list it in wide-only.tsv`,
      )
    if (!isWideOnly && allowed.has(id)) problems.push(`wide-only: ${id} need not be listed`)
    return { ...requirement, required, status, reason: reason ?? '', code, passed, failed }
  })
  return { rows, problems }
}

/** How many rows have each status, as `{ met, 'not met', 'by design', 'no claim' }`. */
export function count(rows) {
  const counts = { met: 0, 'not met': 0, 'by design': 0, 'no claim': 0 }
  for (const { status } of rows) counts[status] += 1
  return counts
}

function whyNot(code, passed, failed) {
  const reasons = []
  if (failed.length > 0) reasons.push(`fails in ${failed[0].file}: "${failed[0].title}"`)
  if (code.length === 0) reasons.push('no code carries the id')
  if (passed.length === 0 && failed.length === 0) reasons.push('no test that ran carries the id')
  return reasons.join('; ')
}

function groupBy(items, keysOf) {
  const groups = new Map()
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [item])
      else group.push(item)
    }
  }
  return groups
}
