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

async function summarize(report: unknown, ...args: string[]): Promise<string[]> {
  const path = join(folder, 'report.json')
  writeFileSync(path, typeof report === 'string' ? report : JSON.stringify(report))
  const { code, stdout } = await run(process.execPath, ['scripts/ci-summary.mjs', path, ...args])
  expect(code).toBe(0)
  return stdout.trimEnd().split('\n')
}

const passed = { status: 'passed', assertionResults: [{ status: 'passed' }] }
const failed = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] }
const unloaded = { status: 'failed', assertionResults: [] }

function report(counts: { passed?: number; failed?: number; skipped?: number }, ...testResults: unknown[]) {
  const { passed = 0, failed = 0, skipped = 0 } = counts
  return { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped, numTodoTests: 0, testResults }
}

describe('the closing line of CI', () => {
  it.each([
    { name: 'tests that passed', report: report({ passed: 3 }, passed), args: ['0'], lines: ['3 passed, 0 failed'] },
    {
      name: 'tests that failed',
      report: report({ passed: 1, failed: 1 }, failed),
      args: ['1'],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'a file that could not be loaded',
      report: report({ passed: 1 }, passed, unloaded),
      args: ['1'],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'an error outside of any test',
      report: report({ passed: 1 }, passed),
      args: ['1'],
      lines: ['1 passed, 1 failed'],
    },
    {
      name: 'failed steps',
      report: report({ passed: 1 }, passed),
      args: ['0', 'type check', 'lint'],
      lines: ['1 passed, 2 failed'],
    },
    {
      name: 'skipped tests',
      report: report({ passed: 1, skipped: 2 }, passed),
      args: ['0'],
      lines: ['2 skipped', '1 passed, 0 failed'],
    },
    { name: 'a report that was never written', report: '', args: ['134'], lines: ['0 passed, 1 failed'] },
  ])('counts $name', async ({ report, args, lines }) => {
    expect(await summarize(report, ...args)).toEqual(lines)
  })
})
