import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../support/child.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-summary-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Run {
  readonly exitCode: string
  /** A report, or what stands in its file instead. */
  readonly report: unknown
}

async function summarize(runs: readonly Run[], steps: readonly string[] = []): Promise<string[]> {
  const args = runs.flatMap(({ exitCode, report }, i) => {
    const path = join(folder, `report-${i}.json`)
    writeFileSync(path, typeof report === 'string' ? report : JSON.stringify(report))
    return ['--run', `${exitCode}=${path}`]
  })
  const { code, stdout } = await run(process.execPath, ['scripts/ci-summary.mjs', ...args, ...steps])
  expect(code).toBe(0)
  return stdout.trimEnd().split('\n')
}

/** A report of a run of one file. */
function report(tests: Readonly<Record<string, string>>, status = 'passed') {
  const assertionResults = Object.entries(tests).map(([title, status]) => ({
    ancestorTitles: ['group'],
    title,
    status,
  }))
  return { testResults: [{ name: 'test/a.test.ts', status, assertionResults }] }
}

describe('the closing line of CI', () => {
  it.each<{ name: string; runs: readonly Run[]; steps?: readonly string[]; lines: readonly string[] }>([
    {
      name: 'tests that passed',
      runs: [{ exitCode: '0', report: report({ a: 'passed', b: 'passed', c: 'passed' }) }],
      lines: ['3 passed, 0 failed'],
    },
    {
      name: 'tests that failed',
      runs: [{ exitCode: '1', report: report({ a: 'passed', b: 'failed' }, 'failed') }],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'a test of several runs once',
      runs: [
        { exitCode: '0', report: report({ a: 'passed', b: 'passed', c: 'skipped' }) },
        { exitCode: '1', report: report({ a: 'failed', b: 'skipped', c: 'passed' }, 'failed') },
      ],
      lines: ['2 passed, 1 failed'],
    },
    {
      name: 'a file that could not be loaded',
      runs: [
        { exitCode: '0', report: report({ a: 'passed' }) },
        { exitCode: '1', report: report({}, 'failed') },
      ],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'an error outside of any test',
      runs: [{ exitCode: '1', report: report({ a: 'passed' }) }],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'failed steps',
      runs: [{ exitCode: '0', report: report({ a: 'passed' }) }],
      steps: ['type check', 'lint'],
      lines: ['1 passed, 2 failed'],
    },
    {
      name: 'skipped tests',
      runs: [{ exitCode: '0', report: report({ a: 'passed', b: 'skipped', c: 'todo' }) }],
      lines: ['2 skipped', '1 passed, 0 failed'],
    },
    { name: 'a report that was never written', runs: [{ exitCode: '134', report: '' }], lines: ['0 passed, 1 failed'] },
  ])('counts $name', async ({ runs, steps, lines }) => {
    expect(await summarize(runs, steps)).toEqual(lines)
  })
})
