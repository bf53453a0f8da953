import { expect, it } from 'vitest'
import { run } from '../support/child.ts'
import { DOUBLES } from './doubles.ts'

/** What the run says of each. */
const FOUND: Readonly<Record<string, RegExp>> = {
  'keeps-finished-jobs': /^FAILED: buffers hold what nobody needs/m,
  'keeps-taken-pieces': /^FAILED: buffers hold what nobody needs/m,
  'shares-memory': /^FAULT connection \d+, server: kept: message/m,
}

it.each(Object.keys(DOUBLES))('npm run soak finds a server that %s', { timeout: 150_000 }, async (double) => {
  const args = ['--minutes', '0.1', '--connections', '40', '--seed', '3', '--double', double]
  const { code, stdout } = await run(process.execPath, ['--import', 'tsx', 'test/soak/run.ts', ...args], {
    ms: 140_000,
  })
  expect(stdout).toMatch(FOUND[double]!)
  expect(code).toBe(1)
})
