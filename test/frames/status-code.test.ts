import { describe, expect, it } from 'vitest'
import { isValidOnWire, StatusCode, statusCodeLabel } from '../../src/frames/status-code.ts'

describe('StatusCode', () => {
  it('holds the registered codes of 1000-2999, without the reserved 1004 (§7.4.1)', () => {
    expect(Object.values(StatusCode)).toEqual([
      1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015,
    ])
  })
})

describe('isValidOnWire', () => {
  it('takes 1000-1003, 1007-1014 and 3000-4999 and nothing else, of all 65,536 (§7.4) [6455-7.4.1-1]', () => {
    const taken = Array.from({ length: 65_536 }, (_, statusCode) => statusCode).filter(isValidOnWire)
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
    expect(taken).toEqual([...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)])
  })

  it.each([
    [0, false, '6455-7.4.2-1'],
    [999, false, '6455-7.4.2-1'],
    [1000, true, '6455-7.4.1-1'],
    [1003, true, '6455-7.4.1-1'],
    [1004, false, '6455-7.4.1-9'],
    [1005, false, '6455-7.4.1-3'],
    [1006, false, '6455-7.4.1-4'],
    [1007, true, '6455-7.4.1-1'],
    [1014, true, '6455-7.4.1-1'],
    [1015, false, '6455-7.4.1-6'],
    [1016, false, '6455-7.4.2-2'],
    [2999, false, '6455-7.4.2-2'],
    [3000, true, '6455-7.4.2-3'],
    [3999, true, '6455-7.4.2-3'],
    [4000, true, '6455-7.4.2-4'],
    [4999, true, '6455-7.4.2-4'],
    [5000, false, '6455-7.4.2-4'],
  ])('of %d is %s (§7.4) [%s]', (statusCode, valid) => {
    expect(isValidOnWire(statusCode)).toBe(valid)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('of %d is false', (statusCode) => {
    expect(isValidOnWire(statusCode)).toBe(false)
  })
})

describe('statusCodeLabel', () => {
  it.each([
    [1000, 'Normal closure'],
    [1001, 'Going away'],
    [1002, 'Protocol error'],
    [1005, 'No status received'],
    [1007, 'Invalid payload data'],
    [1009, 'Message too big'],
    [1015, 'Tls handshake'],
    [1004, 'unassigned'],
    [1016, 'unassigned'],
    [2999, 'unassigned'],
    [3000, 'registered by a library'],
    [3999, 'registered by a library'],
    [4000, 'private use'],
    [4999, 'private use'],
    [5000, 'unassigned'],
  ])('of %d is "%s" (§7.4)', (statusCode, label) => {
    expect(statusCodeLabel(statusCode)).toBe(label)
  })
})
