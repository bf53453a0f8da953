import { expect, it } from 'vitest'
import { run } from '../support/child.ts'

const soak = async (...args: string[]) =>
  await run(process.execPath, ['--import', 'tsx', 'test/soak/run.ts', ...args], { ms: 110_000 })

it('npm run soak passes a short run with faults, and prints samples, ends and slopes', {
  timeout: 120_000,
}, async () => {
  const { code, stdout, stderr } = await soak('--minutes', '0.1', '--connections', '60', '--seed', '11', '--faults')
  expect(stderr).toBe('')
  expect(stdout).toContain('seed 11, 0.1 minutes, 60 connections, with faults')
  const messages = Number(/^(\d+) messages, \d+ connections accepted$/m.exec(stdout)?.[1])
  expect(messages).toBeGreaterThan(100)
  expect(stdout).toMatch(/^ends: .*closed-by-peer \d+/m)
  expect(stdout).toMatch(/^heap: -?\d+ ± \d+ KiB\/min, residual \d+ KiB/m)
  expect(stdout).toMatch(/^buffers at their most: .* in flight/m)
  expect(stdout).toMatch(/^PASSED/m)
  expect(code).toBe(0)
})

it.each([
  [['--minutes', '0'], /--minutes is "0"/],
  [['--connections', 'many'], /--connections is "many"/],
  [['--double', 'none'], /--double is "none"/],
  [['--what'], /Unknown option '--what'/],
])('npm run soak says what is wrong with %j and ends with 1', async (args, message) => {
  const { code, stderr } = await soak(...args)
  expect(stderr).toMatch(message)
  expect(stderr).not.toContain('    at ')
  expect(code).toBe(1)
})
