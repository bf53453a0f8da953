import { describe, expect, it } from 'vitest'
import { isControl, isReserved, Opcode, opcodeName } from '../../src/frames/opcode.ts'

/** RFC 6455 §5.2 and §11.8, all sixteen. */
const REGISTRY = [
  [0x0, 'data', 'continuation'],
  [0x1, 'data', 'text'],
  [0x2, 'data', 'binary'],
  [0x3, 'data', 'reserved 0x3'],
  [0x4, 'data', 'reserved 0x4'],
  [0x5, 'data', 'reserved 0x5'],
  [0x6, 'data', 'reserved 0x6'],
  [0x7, 'data', 'reserved 0x7'],
  [0x8, 'control', 'close'],
  [0x9, 'control', 'ping'],
  [0xa, 'control', 'pong'],
  [0xb, 'control', 'reserved 0xb'],
  [0xc, 'control', 'reserved 0xc'],
  [0xd, 'control', 'reserved 0xd'],
  [0xe, 'control', 'reserved 0xe'],
  [0xf, 'control', 'reserved 0xf'],
] as const

describe('Opcode', () => {
  it('holds the six opcodes that RFC 6455 defines (§11.8)', () => {
    expect(Opcode).toEqual({ Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 })
  })
})

describe.each(REGISTRY)('opcode %i', (opcode, kind, name) => {
  it(`is one of a ${kind} frame (§5.5)`, () => {
    expect(isControl(opcode)).toBe(kind === 'control')
  })

  it(`is called ${name} (§5.2) [6455-5.2-4]`, () => {
    expect(opcodeName(opcode)).toBe(name)
    expect(isReserved(opcode)).toBe(name.startsWith('reserved'))
  })
})
