import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { systemClock } from '../../src/ground/clock.ts'
import { checkSocketOptions, type SocketOptions } from '../../src/socket/options.ts'

describe('checkSocketOptions', () => {
  it('has a finite default for every limit', () => {
    expect(checkSocketOptions({}, true)).toMatchObject({
      maxPayload: 1 << 20,
      maxFragments: 131_072,
      maxFramesPerTurn: 1000,
      maxBytesPerTurn: 64 << 10,
      rates: null,
      autoPong: true,
      closeTimeout: 5000,
      writeStallTimeout: 30_000,
      highWaterMark: 1 << 20,
      maxBackpressure: 64 << 20,
      softBackpressure: 16 << 20,
      softBackpressureMs: 10_000,
      heartbeat: { idleMs: 20_000, timeoutMs: 20_000 },
      textFormat: 'string',
      clock: systemClock,
    })
  })

  it('has a heartbeat by default only where the caller says so', () => {
    expect(checkSocketOptions({}, false).heartbeat).toBeNull()
    expect(checkSocketOptions({ heartbeat: true }, false).heartbeat).toEqual({ idleMs: 20_000, timeoutMs: 20_000 })
    expect(checkSocketOptions({ heartbeat: false }, true).heartbeat).toBeNull()
  })

  it('takes both times of the heartbeat as one number or each for itself', () => {
    expect(checkSocketOptions({ heartbeat: 500 }, true).heartbeat).toEqual({ idleMs: 500, timeoutMs: 500 })
    expect(checkSocketOptions({ heartbeat: { idleMs: 500 } }, true).heartbeat).toEqual({
      idleMs: 500,
      timeoutMs: 20_000,
    })
  })

  it('takes Infinity for no limit', () => {
    for (const name of ['maxPayload', 'maxFragments', 'closeTimeout', 'writeStallTimeout', 'highWaterMark'] as const) {
      expect(checkSocketOptions({ [name]: Number.POSITIVE_INFINITY }, true)[name]).toBe(Number.POSITIVE_INFINITY)
    }
  })

  const notLimits = [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, '1000', true, null, {}, 1n]
  for (const name of [
    'maxPayload',
    'maxFragments',
    'maxFramesPerTurn',
    'maxBytesPerTurn',
    'closeTimeout',
    'writeStallTimeout',
    'highWaterMark',
    'maxBackpressure',
    'softBackpressure',
    'softBackpressureMs',
  ]) {
    it(`names ${name} when it is no limit, and coerces nothing`, () => {
      for (const value of notLimits) expectRefused({ [name]: value } as SocketOptions, name)
    })
  }

  for (const [name, values] of [
    ['maxFragments', [0]],
    ['maxFramesPerTurn', [0]],
    ['maxBytesPerTurn', [0]],
    ['writeStallTimeout', [0]],
    ['autoPong', [0, 1, 'true', null]],
    ['textFormat', ['blob', 'String', null, 1]],
    ['heartbeat', ['20000', 0, -1, 1.5, Number.NaN]],
    ['heartbeat.idleMs', [{ idleMs: 0 }, { idleMs: '1' }]],
    ['heartbeat.timeoutMs', [{ timeoutMs: 0 }, { timeoutMs: -5 }]],
  ] as const) {
    it(`names ${name} when it is wrong`, () => {
      const [option = ''] = name.split('.')
      for (const value of values) expectRefused({ [option]: value } as SocketOptions, name)
    })
  }
})

function expectRefused(options: SocketOptions, name: string): void {
  expect(() => checkSocketOptions(options, true)).toThrow(UsageError)
  expect(() => checkSocketOptions(options, true)).toThrow(`option ${name}`)
}
