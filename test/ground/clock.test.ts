import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/ground/clock.ts'

describe('systemClock', () => {
  it('does not go backwards', () => {
    const first = systemClock.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(first)
  })

  it('calls back once the time is over', async () => {
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 1)
    })
  })

  it('does not call back when the timer was cleared, and never after Infinity', async () => {
    const calls: string[] = []
    systemClock.clearTimeout(systemClock.setTimeout(() => calls.push('cleared'), 1))
    systemClock.clearTimeout(undefined)
    systemClock.setTimeout(() => calls.push('Infinity'), Number.POSITIVE_INFINITY)
    systemClock.setTimeout(() => calls.push('30 days'), 30 * 24 * 3_600_000)
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 5)
    })
    expect(calls).toEqual([])
  })

  it('does not keep the process alive', () => {
    const timer = systemClock.setTimeout(() => {}, 60_000) as NodeJS.Timeout
    expect(timer.hasRef()).toBe(false)
    systemClock.clearTimeout(timer)
  })
})
