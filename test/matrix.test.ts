import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from './support/child.ts'

const HEAD = 'id\trfc\tsection\tlevel\tform\trole\tparaphrase\ttest_method\ttest\texpected\tautobahn\trfc_lines\tnote'

function requirement(id: string, more: { level?: string; role?: string; method?: string } = {}): string {
  const { level = 'MUST', role = 'server', method = 'wire' } = more
  const section = id.split('-')[1]
  return [
    id,
    `RFC${id.slice(0, 4)}`,
    section,
    level,
    'keyword',
    role,
    `Rule ${id} | <b>.`,
    method,
    '',
    '',
    '',
    '',
    '',
  ].join('\t')
}

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'framewright-matrix-test-'))
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

interface Project {
  readonly requirements: readonly string[]
  readonly source?: string
  /** Titles of tests, each with its status. */
  readonly tests?: Readonly<Record<string, string>>
  readonly exceptions?: readonly string[]
  /** Titles of tests of another run, in a file that `npm test` leaves out, each with its status. */
  readonly wideTests?: Readonly<Record<string, string>>
  readonly wideOnly?: readonly string[]
}

/** Lay out a project and run the script on it. */
async function matrix(project: Project, ...args: string[]) {
  const { requirements, source = '', tests = {}, exceptions = [], wideTests = {}, wideOnly = [] } = project
  for (const folder of ['docs/rfc', 'src/extensions', 'src/frames', 'test'])
    mkdirSync(join(root, folder), { recursive: true })
  const rows = (head: string, lines: readonly string[]) => `${[head, ...lines].join('\n')}\n`
  writeFileSync(join(root, 'docs/rfc/requirements.tsv'), rows(HEAD, requirements))
  writeFileSync(join(root, 'docs/rfc/exceptions.tsv'), rows('id\treason', exceptions))
  writeFileSync(join(root, 'docs/rfc/wide-only.tsv'), rows('id\treason', wideOnly))
  writeFileSync(join(root, 'test/tiers.json'), JSON.stringify({ far: { what: 'far away', paths: ['test/far/'] } }))
  writeFileSync(join(root, 'src/frames/a.ts'), source)
  const near = writeReport('near', 'test/a.test.ts', tests)
  const far = writeReport('far', 'test/far/b.test.ts', wideTests)
  const results = ['--results', near, '--results', far]
  return await run(process.execPath, ['scripts/matrix.mjs', '--root', root, ...results, ...args])
}

function writeReport(run: string, file: string, tests: Readonly<Record<string, string>>): string {
  const path = join(root, `${run}.json`)
  const assertionResults = Object.entries(tests).map(([title, status]) => ({
    ancestorTitles: ['a group'],
    title,
    status,
  }))
  writeFileSync(path, JSON.stringify({ testResults: [{ name: join(root, file), assertionResults }] }))
  return path
}

describe('npm run matrix', () => {
  it('is content when code and a passing test carry every testable MUST', async () => {
    const { code, stdout, stderr } = await matrix({
      requirements: [requirement('6455-5.2-3'), requirement('6455-5.2-10', { level: 'MUST NOT', role: 'both' })],
      source: '// @req 6455-5.2-3 @req 6455-5.2-10: a reason\n',
      tests: { 'does it [6455-5.2-3]': 'passed', 'does both [6455-5.2-10, 6455-5.2-3]': 'passed' },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('testable MUST and MUST NOT of a server: 2 (2 met, 0 not met, 0 by design, 0 no claim)')
  })

  it.each<Project & { name: string; message: string }>([
    {
      name: 'no code carries an id',
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-10\n',
      tests: { 'a [6455-5.2-1]': 'passed' },
      message: '6455-5.2-1 (MUST) is not met: no code carries the id',
    },
    {
      name: 'no test carries an id',
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-1',
      tests: { 'a [6455-5.2-10]': 'passed', 'b 6455-5.2-1, not in brackets': 'passed', 'c [6455-5.2-1]': 'skipped' },
      message: '6455-5.2-1 (MUST) is not met: no test that ran carries the id',
    },
    {
      name: 'one test of several fails',
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-1',
      tests: { 'a [6455-5.2-1]': 'passed', 'b [6455-5.2-1]': 'failed' },
      message: '6455-5.2-1 (MUST) is not met: fails in test/a.test.ts: "a group > b [6455-5.2-1]"',
    },
    {
      name: 'a tag names an unknown id',
      requirements: [],
      source: '\n// @req 6455-5.2-99',
      message: 'src/frames/a.ts:2: @req 6455-5.2-99 names no requirement',
    },
    {
      name: 'a tag is no id at all',
      requirements: [],
      source: '// @req masking',
      message: 'src/frames/a.ts:1: @req masking names no requirement',
    },
    {
      name: 'a title names an unknown id',
      requirements: [],
      tests: { 'a [6455-5.2-99]': 'passed' },
      message: 'test/a.test.ts: "a group > a [6455-5.2-99]" names no requirement with 6455-5.2-99',
    },
    {
      name: 'an exception has no reason',
      requirements: [requirement('6455-5.2-1')],
      exceptions: ['6455-5.2-1\t '],
      message: 'exceptions: 6455-5.2-1 has no reason',
    },
    {
      name: 'an exception names an unknown id',
      requirements: [],
      exceptions: ['6455-5.2-1\tbecause'],
      message: 'exceptions: 6455-5.2-1 is no requirement',
    },
    {
      name: 'an exception is met',
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-1',
      tests: { 'a [6455-5.2-1]': 'passed' },
      exceptions: ['6455-5.2-1\tbecause'],
      message: 'exceptions: 6455-5.2-1 is met; it needs no exception',
    },
    {
      name: 'an exception covers a test that fails',
      requirements: [requirement('6455-5.2-1')],
      tests: { 'a [6455-5.2-1]': 'failed' },
      exceptions: ['6455-5.2-1\tbecause'],
      message: '6455-5.2-1 (MUST) is not met',
    },
    {
      name: 'the last test is left out of npm test, and nothing says so',
      requirements: [requirement('6455-5.2-1', { level: 'SHOULD' })],
      wideTests: { 'b [6455-5.2-1]': 'passed' },
      message: '6455-5.2-1 is proved outside of npm test only, by test/far/b.test.ts',
    },
    {
      name: 'a line says that the last test is left out of npm test, and it is not',
      requirements: [requirement('6455-5.2-1', { level: 'SHOULD' })],
      tests: { 'a [6455-5.2-1]': 'passed' },
      wideTests: { 'b [6455-5.2-1]': 'passed' },
      wideOnly: ['6455-5.2-1\tbecause'],
      message: 'wide-only: 6455-5.2-1 need not be listed',
    },
    {
      name: 'a line about npm test has no reason',
      requirements: [requirement('6455-5.2-1', { level: 'SHOULD' })],
      wideTests: { 'b [6455-5.2-1]': 'passed' },
      wideOnly: ['6455-5.2-1\t '],
      message: 'wide-only: 6455-5.2-1 has no reason',
    },
    {
      name: 'a line about npm test names an unknown id',
      requirements: [],
      wideOnly: ['6455-5.2-1\tbecause'],
      message: 'wide-only: 6455-5.2-1 is no requirement',
    },
    {
      name: 'a test fails in one run of two',
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-1',
      tests: { 'a [6455-5.2-1]': 'passed' },
      wideTests: { 'a [6455-5.2-1]': 'failed' },
      message: '6455-5.2-1 (MUST) is not met: fails in test/far/b.test.ts',
    },
  ])('fails when $name', async ({ message, ...project }) => {
    const { code, stderr } = await matrix(project, '--check')
    expect(code).toBe(1)
    expect(stderr).toContain(message)
  })

  it.each([
    { name: 'a SHOULD', more: { level: 'SHOULD' } },
    { name: 'a MUST of a client', more: { role: 'client' } },
    { name: 'a MUST that cannot be tested', more: { method: 'none' } },
  ])('does not demand $name', async ({ more }) => {
    const { code, stdout } = await matrix({ requirements: [requirement('6455-5.2-1', more)] }, '--check')
    expect(code).toBe(0)
    expect(stdout).toContain('all requirements: 1 (0 met, 0 not met, 0 by design, 1 no claim)')
  })

  it('names the requirements that npm test does not prove, and is content with a reason', async () => {
    const { code, stdout } = await matrix({
      requirements: [requirement('6455-5.2-1')],
      source: '// @req 6455-5.2-1',
      wideTests: { 'b [6455-5.2-1]': 'passed' },
      wideOnly: ['6455-5.2-1\tbecause'],
    })
    expect(code).toBe(0)
    expect(stdout).toContain('tested, but not by npm test: 6455-5.2-1\n')
  })

  it('writes the rows, their code and the reasons of exceptions for people, and nothing with --check', async () => {
    const project: Project = {
      requirements: [requirement('6455-5.2-3'), requirement('7692-5-1'), requirement('7692-5-2', { level: 'MAY' })],
      source: '\n// @req 6455-5.2-3\n',
      tests: { 'knows <a> & "b" [6455-5.2-3]': 'passed' },
      exceptions: ['7692-5-1\tnot | wanted'],
    }
    const page = (name: string) => readFileSync(join(root, 'docs/rfc', name), 'utf8')
    await matrix(project, '--check')
    expect(() => page('matrix.md')).toThrow('ENOENT')
    await matrix(project)
    expect(page('matrix.md')).toContain(
      '| 6455-5.2-3 | MUST | server | Rule 6455-5.2-3 \\| &lt;b>. | met | [frames/a.ts](../../src/frames/a.ts) | 1 |',
    )
    expect(page('matrix.md')).toContain('by design: not \\| wanted')
    expect(page('matrix.html')).toContain('<a href="../../src/frames/a.ts#L2"><code>frames/a.ts:2</code></a>')
    expect(page('matrix.html')).toContain(
      '<code>test/a.test.ts</code> a group &gt; knows &lt;a&gt; &amp; &quot;b&quot;</li>',
    )
    // It loads nothing; its links lead to the sections of the RFCs.
    expect(page('matrix.html')).not.toMatch(/src="https?:/)
    expect(page('matrix.html')).not.toMatch(/href="https?:(?!\/\/www\.rfc-editor\.org\/rfc\/rfc\d+#section-)/)
  })
})
