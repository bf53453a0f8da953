import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { checkOptionNames, nearestName, unknownOptions } from '../../src/ground/option-names.ts'

const NAMES = { authorize: true, origins: true, maxPayload: true, port: true } as const

describe('the names of options', () => {
  it('are accepted when they are known, whatever their values', () => {
    expect(() => checkOptionNames('server', { port: 1, origins: undefined }, NAMES)).not.toThrow()
    expect(() => checkOptionNames('server', {}, NAMES)).not.toThrow()
  })

  it.each([
    ['autorize', 'authorize'],
    ['authorise', 'authorize'],
    ['origin', 'origins'],
    ['maxPayLoad', 'maxPayload'],
    ['prot', 'port'],
    ['Port', 'port'],
  ])('names the nearest one: %s is %s', (name, wanted) => {
    expect(() => checkOptionNames('server', { [name]: 1 }, NAMES)).toThrow(
      new UsageError(`server: there is no option "${name}"; did you mean ${wanted}?`),
    )
  })

  it('names none when none is like it', () => {
    expect(() => checkOptionNames('server', { zebra: 1 }, NAMES)).toThrow(
      new UsageError('server: there is no option "zebra"'),
    )
  })

  it.each([
    [undefined, 'of type undefined'],
    [null, 'null'],
    [8080, 'of type number'],
    ['8080', 'of type string'],
    [[], 'a list'],
  ])('are looked for in an object only: %s', (options, what) => {
    expect(() => checkOptionNames('server', options, NAMES)).toThrow(
      new UsageError(`server: the options are ${what}; give an object`),
    )
  })

  it('quotes what stands in a name', () => {
    expect(() => checkOptionNames('server', { '\u001b[2J\n': 1 }, NAMES)).toThrow('"\\u001b[2J\\n"')
  })

  it('takes nothing from the prototype of the names', () => {
    expect(unknownOptions({ toString: 1, constructor: 1 }, NAMES)).toEqual(['toString', 'constructor'])
  })

  it('finds a name again after one slip of the fingers', () => {
    const names = Object.keys(NAMES)
    const slip = fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(),
      how: fc.constantFrom('leave out', 'swap', 'double', 'other'),
    })
    fc.assert(
      fc.property(slip, ({ name, at, how }) => {
        const i = at % (name.length - 1)
        const slipped = {
          'leave out': name.slice(0, i) + name.slice(i + 1),
          swap: name.slice(0, i) + name[i + 1]! + name[i]! + name.slice(i + 2),
          double: name.slice(0, i + 1) + name.slice(i),
          other: `${name.slice(0, i)}x${name.slice(i + 1)}`,
        }[how]!
        expect(nearestName(slipped, names)).toBe(name)
      }),
    )
  })
})
