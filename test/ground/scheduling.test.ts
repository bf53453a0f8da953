import { afterEach, expect, it, vi } from 'vitest'
import * as scheduling from '../../src/ground/scheduling.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('goes on with real time while a test runner has put its own in place', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'performance'] })
  const before = scheduling.now()
  await new Promise<void>((resolve) => {
    // As Jest does; vitest keeps this one from being faked in a child process.
    const nextTick = vi.spyOn(process, 'nextTick').mockImplementation(() => {})
    scheduling.nextTick(resolve)
    nextTick.mockRestore()
  })
  await new Promise<void>((resolve) => scheduling.queueMicrotask(resolve))
  await new Promise<void>((resolve) => scheduling.setImmediate(resolve))
  await new Promise<void>((resolve) => scheduling.setTimeout(resolve, 2))
  expect(scheduling.now()).toBeGreaterThan(before)
  const stopped = vi.fn()
  scheduling.clearTimeout(scheduling.setTimeout(stopped, 0))
  await new Promise<void>((resolve) => scheduling.setTimeout(resolve, 5))
  expect(stopped).not.toHaveBeenCalled()
})
