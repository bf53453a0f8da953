// Writes the rows of the matrix for people: Markdown, and one HTML page that filters and needs nothing else.
import { count } from './matrix-join.mjs'

const INTRO =
  'Which rule is obeyed where, and how many tests prove it. Made by `npm run matrix` from requirements.tsv, the `@req` tags in `src/`, the ids in test titles, the results of the last test run and exceptions.tsv.'

const MEANINGS = [
  ['met', 'code carries the id, and every test that carries it passed, one at least'],
  ['not met', 'a testable MUST or MUST NOT of a server without code or without a passing test; CI fails'],
  ['by design', 'exceptions.tsv says why not'],
  ['no claim', 'not a testable MUST of a server, and nothing is claimed'],
]

/** Tests shown for one requirement; the failed ones come first. */
const MOST_TESTS = 12

const STATUSES = MEANINGS.map(([status]) => status)

/** @param rows from `join()` */
export function toMarkdown(rows) {
  const lines = ['# Requirement matrix', '', INTRO, '']
  for (const [status, meaning] of MEANINGS) lines.push(`- **${status}**: ${meaning}.`)
  lines.push('', `| | rows | ${STATUSES.join(' | ')} |`, `| --- | ${'--- | '.repeat(STATUSES.length + 1).trim()}`)
  for (const [name, some] of groupsOf(rows)) {
    const counts = count(some)
    lines.push(`| ${name} | ${some.length} | ${STATUSES.map((status) => counts[status]).join(' | ')} |`)
  }
  lines.push('')
  let section = ''
  for (const row of rows) {
    const current = `${row.rfc.replace('RFC', 'RFC ')} §${row.section}`
    if (current !== section) {
      section = current
      lines.push(
        `## [${section}](${sectionLink(row)})`,
        '',
        '| id | level | role | requirement | status | code | tests |',
        `|${' --- |'.repeat(7)}`,
      )
    }
    const cells = [row.id, row.level, row.role, row.paraphrase, statusText(row), codeText(row.code), testsText(row)]
    lines.push(`| ${cells.map(markdownCell).join(' | ')} |`)
    const next = rows[rows.indexOf(row) + 1]
    if (next === undefined || `${next.rfc.replace('RFC', 'RFC ')} §${next.section}` !== section) lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

/** @param rows from `join()` */
export function toHtml(rows) {
  const options = (key) =>
    [...new Set(rows.map((row) => row[key]))].sort().map((value) => `<option>${escapeHtml(value)}</option>`)
  const counts = count(rows)
  const body = rows.map((row) => {
    const tests = [...row.failed, ...row.passed]
    const list = tests
      .slice(0, MOST_TESTS)
      .map(
        ({ file, title, status }) =>
          `<li>${status === 'passed' ? '' : '<b>failed</b> '}<code>${escapeHtml(file)}</code> ${escapeHtml(withoutIds(title))}</li>`,
      )
    if (tests.length > MOST_TESTS) list.push(`<li>and ${tests.length - MOST_TESTS} more</li>`)
    return `<tr data-level="${row.level}" data-role="${row.role}" data-status="${row.status}" data-rfc="${row.rfc}">
<td id="${row.id}"><code>${row.id}</code> <a href="${sectionLink(row)}">§${row.section}</a></td><td>${row.level}</td><td>${row.role}</td><td>${escapeHtml(row.paraphrase)}</td>
<td class="${row.status.replace(' ', '-')}">${row.status}${row.status === 'by design' ? `<br><small>${escapeHtml(row.reason)}</small>` : ''}</td>
<td>${row.code.map(({ file, line }) => `<a href="../../${file}#L${line}"><code>${escapeHtml(file.slice(4))}:${line}</code></a>`).join('<br>')}</td>
<td>${tests.length === 0 ? '' : `<details><summary>${tests.length}</summary><ul>${list.join('')}</ul></details>`}</td></tr>`
  })
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Requirement matrix</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }
body { margin: 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top }
th { position: sticky; top: 0; background: Canvas }
.met { color: light-dark(#15692b, #6fd08c) }
.not-met { color: light-dark(#b00020, #ff8a93); font-weight: bold }
.by-design { color: light-dark(#7a4d00, #e0b25c) }
details ul { margin: .25rem 0; padding-left: 1.2rem; max-width: 40rem }
form { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0 }
</style>
<h1>Requirement matrix</h1>
<p>${escapeHtml(INTRO).replace(/`([^`]*)`/g, '<code>$1</code>')}</p>
<ul>${MEANINGS.map(([status, meaning]) => `<li><b>${status}</b> (${counts[status]}): ${escapeHtml(meaning)}.</li>`).join('')}</ul>
<form>
${['rfc', 'level', 'role', 'status'].map((key) => `<label>${key} <select name="${key}"><option value="">all</option>${options(key).join('')}</select></label>`).join('\n')}
<label>text <input name="text" type="search"></label>
<output></output>
</form>
<table>
<thead><tr><th>id</th><th>level</th><th>role</th><th>requirement</th><th>status</th><th>code</th><th>tests</th></tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table>
<script>
const form = document.querySelector('form')
const rows = [...document.querySelectorAll('tbody tr')]
function filter() {
  const { text, ...wanted } = Object.fromEntries(new FormData(form))
  let shown = 0
  for (const row of rows) {
    const fits = Object.entries(wanted).every(([key, value]) => value === '' || row.dataset[key] === value)
    row.hidden = !(fits && row.textContent.toLowerCase().includes(text.toLowerCase()))
    if (!row.hidden) shown += 1
  }
  form.querySelector('output').textContent = shown + ' of ' + rows.length
}
form.addEventListener('input', filter)
form.addEventListener('submit', (event) => event.preventDefault())
filter()
</script>
</html>
`
}

/** Where the section of a row can be read. */
function sectionLink({ rfc, section }) {
  return `https://www.rfc-editor.org/rfc/${rfc.toLowerCase()}#section-${section}`
}

function groupsOf(rows) {
  const only = (rfc) => rows.filter((row) => row.rfc === rfc)
  return [
    ['testable MUST and MUST NOT of a server', rows.filter((row) => row.required)],
    ['RFC 6455', only('RFC6455')],
    ['RFC 7692', only('RFC7692')],
    ['all', rows],
  ]
}

function withoutIds(title) {
  return title.replace(/ *\[[^[\]]*\d-\d[^[\]]*\]/g, '')
}

function statusText({ status, reason }) {
  return status === 'by design' ? `by design: ${reason}` : status
}

function codeText(code) {
  return [...new Set(code.map(({ file }) => file))].map((file) => `[${file.slice(4)}](../../${file})`).join(', ')
}

function testsText({ passed, failed }) {
  if (failed.length > 0) return `${failed.length} failed, ${passed.length} passed`
  return passed.length === 0 ? '' : String(passed.length)
}

function markdownCell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
