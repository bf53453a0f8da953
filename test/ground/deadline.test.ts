import { describe, expect, it } from 'vitest'
import { Deadline } from '../../src/ground/deadline.ts'
import { turn } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'

function wait(isOnTheWay?: () => boolean) {
  const clock = new FakeClock()
  const log: string[] = []
  const deadline = new Deadline(clock, 1000, (lateMs) => log.push(`late by ${lateMs} at ${clock.now()}`), isOnTheWay)
  return { clock, log, deadline }
}

/** As many turns as a deadline that comes late waits for. */
async function twoTurns(): Promise<void> {
  await turn()
  await turn()
}

describe('Deadline', () => {
  it('expires at its time, once', () => {
    const { clock, log } = wait()
    clock.advance(999)
    expect(log).toEqual([])
    clock.advance(5000)
    expect(log).toEqual(['late by 0 at 1000'])
    expect(clock.pending).toBe(0)
  })

  it('does not expire when it was cancelled', () => {
    const { clock, log, deadline } = wait()
    deadline.cancel()
    expect(clock.pending).toBe(0)
    clock.advance(5000)
    expect(log).toEqual([])
  })

  it('lets a full turn of the event loop go by when it comes late', async () => {
    const { clock, log } = wait()
    clock.jump(1500)
    expect(log).toEqual([])
    // The rest of the turn in which the timer ran, and a whole one.
    await turn()
    expect(log).toEqual([])
    await turn()
    expect(log).toEqual(['late by 500 at 1500'])
  })

  it('does not expire when it was cancelled in that turn', async () => {
    const { clock, log, deadline } = wait()
    clock.jump(1500)
    await turn()
    deadline.cancel()
    await twoTurns()
    expect(log).toEqual([])
  })

  it('gives what was lost back, once, to whoever is on the way', async () => {
    const { clock, log } = wait(() => true)
    clock.jump(1400)
    await twoTurns()
    clock.advance(399)
    expect(log).toEqual([])
    clock.jump(301)
    await twoTurns()
    expect(log).toEqual(['late by 300 at 2100'])
  })

  it('gives no more than the whole time back', async () => {
    const { clock, log } = wait(() => true)
    clock.jump(60_000)
    await twoTurns()
    clock.advance(999)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual(['late by 0 at 61000'])
  })

  it.each([
    ['in time', (clock: FakeClock) => clock.advance(1000), true],
    ['late', (clock: FakeClock) => clock.jump(1400), false],
  ])('gives nothing back when it comes %s', async (_, pass, isOnTheWay) => {
    const { clock, log } = wait(() => isOnTheWay)
    pass(clock)
    await twoTurns()
    expect(log).toHaveLength(1)
  })
})
