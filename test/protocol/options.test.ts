import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { checkConnectionOptions, defaultLimits, limitOption } from '../../src/protocol/options.ts'
import { SlabPool } from '../../src/protocol/output.ts'
import { ParserPool } from '../../src/protocol/parser-pool.ts'

describe('defaultLimits', () => {
  it('is finite in every limit and cannot be changed', () => {
    expect(defaultLimits).toEqual({ maxPayload: 1_048_576, maxFragments: 131_072, maxFramesPerTurn: 1000 })
    expect(Object.isFrozen(defaultLimits)).toBe(true)
  })
})

describe('limitOption', () => {
  it.each([
    { name: 'undefined is the fallback', value: undefined, expected: 7 },
    { name: '0 is a limit like any other', value: 0, expected: 0 },
    { name: 'an integer stands as it is', value: 12, expected: 12 },
    { name: 'Infinity lifts the limit', value: Number.POSITIVE_INFINITY, expected: Number.POSITIVE_INFINITY },
  ])('$name', ({ value, expected }) => {
    expect(limitOption('maxPayload', value, 7)).toBe(expected)
  })

  it.each([
    { name: 'a negative number', value: -1 },
    { name: 'a fraction', value: 1.5 },
    { name: 'NaN', value: Number.NaN },
    { name: 'minus Infinity', value: Number.NEGATIVE_INFINITY },
    { name: 'a string of digits', value: '12' },
    { name: 'a BigInt', value: 12n },
    { name: 'null', value: null },
    { name: 'an object', value: {} },
  ])('refuses $name and says which option it was', ({ value }) => {
    expect(() => limitOption('maxPayload', value, 7)).toThrow(UsageError)
    expect(() => limitOption('maxPayload', value, 7)).toThrow(
      `option maxPayload is ${String(value)}; it must be an integer of at least 0, or Infinity`,
    )
  })

  it('refuses what is below the least value, and takes that', () => {
    expect(limitOption('maxFragments', 1, 7, 1)).toBe(1)
    expect(() => limitOption('maxFragments', 0, 7, 1)).toThrow('an integer of at least 1')
  })
})

describe('checkConnectionOptions', () => {
  it('fills in the defaults, and pools', () => {
    const checked = checkConnectionOptions({ role: 'server' })
    expect(checked).toMatchObject({ role: 'server', ...defaultLimits })
    expect(checked.slabPool).toBeInstanceOf(SlabPool)
    expect(checked.parserPool).toBeInstanceOf(ParserPool)
  })

  it('takes what it is given', () => {
    const given = { role: 'client', maxPayload: 0, maxFragments: 2, maxFramesPerTurn: 3, autoPong: false } as const
    const pools = { slabPool: new SlabPool(), parserPool: new ParserPool() }
    expect(checkConnectionOptions({ ...given, ...pools })).toEqual({ ...given, ...pools })
  })

  it('copies what may be changed later, and nothing else', () => {
    const pools = { slabPool: new SlabPool(), parserPool: new ParserPool() }
    const complete = { role: 'server', ...defaultLimits, ...pools } as const
    expect(checkConnectionOptions(complete)).not.toBe(complete)
    const frozen = Object.freeze({ ...complete })
    expect(checkConnectionOptions(frozen)).toBe(frozen)
    for (const name of ['maxPayload', 'maxFragments', 'maxFramesPerTurn', 'slabPool', 'parserPool'] as const) {
      const incomplete = Object.freeze({ ...complete, [name]: undefined })
      expect(checkConnectionOptions(incomplete)[name], name).toBeDefined()
    }
  })

  it.each([
    { limit: 'maxPayload', value: -1 },
    { limit: 'maxFragments', value: 0 },
    { limit: 'maxFramesPerTurn', value: 0 },
  ])('refuses $limit of $value', ({ limit, value }) => {
    expect(() => checkConnectionOptions({ role: 'server', [limit]: value })).toThrow(`option ${limit} is ${value}`)
  })
})
