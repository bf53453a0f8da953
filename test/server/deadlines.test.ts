import { describe, expect, it } from 'vitest'
import { type Dated, Deadlines } from '../../src/server/deadlines.ts'
import { FakeClock } from '../support/fake-clock.ts'

function table() {
  const clock = new FakeClock()
  const deadlines = new Deadlines<Dated>(clock)
  const expired: string[] = []
  const add = (name: string, due: number): Dated => {
    const member: Dated = {
      due,
      expire() {
        expired.push(`${name} ${clock.now()}`)
        deadlines.delete(member)
      },
    }
    deadlines.add(member)
    return member
  }
  return { clock, deadlines, expired, add }
}

describe('Deadlines', () => {
  it('expires each member at its own time, with one timer for all', () => {
    const { clock, expired, add } = table()
    add('a', 100)
    clock.advance(30)
    add('b', 130)
    add('c', 130)
    expect(clock.pending).toBe(1)
    clock.advance(69)
    expect(expired).toEqual([])
    clock.advance(100)
    expect(expired).toEqual(['a 100', 'b 130', 'c 130'])
    expect(clock.pending).toBe(0)
  })

  it('passes over members that are done, and runs no timer when there is nobody', () => {
    const { clock, deadlines, expired, add } = table()
    const a = add('a', 100)
    clock.advance(50)
    const b = add('b', 150)
    deadlines.delete(a)
    expect(deadlines.first).toBe(b)
    clock.advance(60)
    expect(expired).toEqual([])
    clock.advance(40)
    expect(expired).toEqual(['b 150'])
    add('c', 300)
    expect(clock.pending).toBe(1)
    for (const member of [...deadlines]) deadlines.delete(member)
    expect(clock.pending).toBe(0)
    expect(deadlines.size).toBe(0)
    expect(deadlines.first).toBeUndefined()
  })

  it('waits again when the timer comes too early', () => {
    const expired: string[] = []
    const early: Array<() => void> = []
    let now = 0
    const strict = new Deadlines<Dated>({
      now: () => now,
      setTimeout: (callback) => early.push(callback),
      clearTimeout: () => {},
    })
    const member: Dated = {
      due: 100,
      expire() {
        expired.push('strict')
        strict.delete(member)
      },
    }
    strict.add(member)
    now = 99.5
    early.shift()!()
    expect(expired).toEqual([])
    now = 100
    early.shift()!()
    expect(expired).toEqual(['strict'])
    expect(early).toEqual([])
  })
})
