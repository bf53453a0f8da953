import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Queue } from '../../src/ground/queue.ts'
import { fcOptions } from '../support/fc-options.ts'
import { countReachable } from '../support/garbage.ts'

function filled(count: number): Queue<number> {
  const queue = new Queue<number>()
  for (let i = 0; i < count; i += 1) queue.push(i)
  return queue
}

describe('Queue', () => {
  it('gives first what came first', () => {
    const queue = filled(3)
    expect([queue.length, queue.isEmpty, queue.first, queue.last]).toEqual([3, false, 0, 2])
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([0, 1, 2])
  })

  it('is empty at first, and once everything was taken', () => {
    for (const queue of [new Queue<number>(), filled(40)]) {
      queue.takeAll()
      expect([queue.length, queue.isEmpty, queue.first, queue.last]).toEqual([0, true, undefined, undefined])
      expect([queue.shift(), queue.take(() => true)]).toEqual([undefined, undefined])
      expect(queue.takeAll()).toEqual([])
    }
  })

  it('has an undefined that was pushed as an item like any other', () => {
    const queue = new Queue<undefined>()
    queue.push(undefined)
    expect(queue.isEmpty).toBe(false)
    queue.shift()
    expect(queue.isEmpty).toBe(true)
  })

  it('shows what waits without taking it', () => {
    const queue = filled(3)
    queue.shift()
    expect([...queue]).toEqual([1, 2])
    expect(queue.length).toBe(2)
  })

  it('does the same as an array, whatever is pushed, shifted and taken from the middle', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.nat({ max: 60 }).map((count) => ({ push: count })) },
      { weight: 4, arbitrary: fc.nat({ max: 60 }).map((count) => ({ shift: count })) },
      { weight: 2, arbitrary: fc.nat({ max: 20 }).map((modulus) => ({ take: modulus + 1 })) },
      { weight: 1, arbitrary: fc.constant({ all: true }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new Queue<number>()
        const model: number[] = []
        let next = 0
        for (const one of steps) {
          if ('push' in one) {
            for (let i = 0; i < one.push; i += 1) {
              queue.push(next)
              model.push(next++)
            }
          } else if ('shift' in one) {
            for (let i = 0; i < one.shift; i += 1) expect(queue.shift()).toBe(model.shift())
          } else if ('take' in one) {
            const isWanted = (item: number) => item % one.take === one.take - 1
            const at = model.findIndex(isWanted)
            expect(queue.take(isWanted)).toBe(at === -1 ? undefined : model.splice(at, 1)[0])
          } else expect(queue.takeAll()).toEqual(model.splice(0))
          expect([...queue]).toEqual(model)
          expect([queue.length, queue.first, queue.last]).toEqual([model.length, model[0], model.at(-1)])
        }
      }),
      fcOptions(200),
    )
  })

  it.each([
    ['shift', (queue: Queue<object>) => queue.shift()],
    ['take', (queue: Queue<object>) => queue.take((item) => item !== queue.first)],
    ['takeAll', (queue: Queue<object>) => queue.takeAll()[0]],
  ])('does not keep what was taken by %s while others wait', async (_, take) => {
    const queue = new Queue<object>()
    const taken: Array<WeakRef<object>> = []
    // It is never empty: always three wait.
    for (let i = 0; i < 3; i += 1) queue.push({})
    for (let i = 0; i < 100; i += 1) {
      queue.push({})
      taken.push(new WeakRef(take(queue)!))
      while (queue.length < 3) queue.push({})
    }
    expect(queue.length).toBe(3)
    expect(await countReachable(taken)).toBe(0)
    expect(queue.length).toBe(3)
  })

  it('takes each of very many in the same time', () => {
    const queue = filled(200_000)
    let sum = 0
    // Would take minutes if each shift moved all that wait.
    while (!queue.isEmpty) sum += queue.shift()!
    expect(sum).toBe((200_000 * 199_999) / 2)
  })
})
