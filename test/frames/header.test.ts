import { describe, expect, it } from 'vitest'
import { checkHeader, headerLength, type Role, writeHeader } from '../../src/frames/header.ts'
import { type Violation, violations } from '../../src/frames/violation.ts'
import { bits } from '../support/bits.ts'
import { concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'

const SERVER = { role: 'server', rsv1Owned: false, messageOpen: false } as const
const CLIENT = { role: 'client', rsv1Owned: false, messageOpen: false } as const
const DEFLATE = { ...SERVER, rsv1Owned: true }
const OPEN = { ...SERVER, messageOpen: true }
const OPEN_DEFLATE = { ...DEFLATE, messageOpen: true }

function check(digits: string, context: Parameters<typeof checkHeader>[2]): Violation | null {
  const [byte0, byte1] = bits(digits)
  return checkHeader(byte0!, byte1!, context)
}

describe('checkHeader', () => {
  it.each([
    ['a masked text frame as a server', '1 000 0001  1 0000101', SERVER],
    ['a masked binary frame with FIN clear', '0 000 0010  1 1111111', SERVER],
    ['a continuation frame in an open message', '0 000 0000  1 1111110', OPEN],
    ['a Close frame', '1 000 1000  1 0000000', SERVER],
    ['a Ping of 125 bytes', '1 000 1001  1 1111101', SERVER],
    ['a Pong in an open message', '1 000 1010  1 0000000', OPEN],
    ['an unmasked text frame as a client', '1 000 0001  0 0000101', CLIENT],
    ['RSV1 on a text frame when an extension owns it', '0 100 0001  1 0000000', DEFLATE],
    ['RSV1 on a binary frame when an extension owns it', '1 100 0010  1 0000000', DEFLATE],
  ])('takes %s (§5.2)', (_, digits, context) => {
    expect(check(digits, context)).toBeNull()
  })

  it.each([
    ['RSV1 is set and no extension owns it', '5.2', '6455-5.2-3', '1 100 0001  1 0000000', SERVER, 'ReservedBit'],
    ['RSV2 is set', '5.2', '6455-5.2-3', '1 010 0001  1 0000000', DEFLATE, 'ReservedBit'],
    ['RSV3 is set', '5.2', '6455-5.2-3', '1 001 0001  1 0000000', DEFLATE, 'ReservedBit'],
    ['RSV1 is set on a Ping', '6.1 of RFC 7692', '7692-6.1-4', '1 100 1001  1 0000000', DEFLATE, 'Rsv1OnControl'],
    [
      'RSV1 is set on a continuation frame',
      '6.1 of RFC 7692',
      '7692-6.1-4',
      '1 100 0000  1 0000000',
      OPEN_DEFLATE,
      'Rsv1OnContinuation',
    ],
    ['the opcode is a reserved data one', '5.2', '6455-5.2-4', '1 000 0011  1 0000000', SERVER, 'ReservedOpcode'],
    ['the opcode is a reserved control one', '5.2', '6455-5.2-4', '1 000 1011  1 0000000', SERVER, 'ReservedOpcode'],
    ['a Ping has FIN clear', '5.4', '6455-5.4-2', '0 000 1001  1 0000000', SERVER, 'FragmentedControl'],
    ['a Close frame has a 16-bit length', '5.5', '6455-5.5-1', '1 000 1000  1 1111110', SERVER, 'LongControl'],
    ['a Pong has a 64-bit length', '5.5', '6455-5.5-1', '1 000 1010  1 1111111', SERVER, 'LongControl'],
    ['nothing is open to continue', '5.4', '6455-5.4-14', '1 000 0000  1 0000000', SERVER, 'OrphanContinuation'],
    ['text starts in an open message', '5.4', '6455-5.4-4', '1 000 0001  1 0000000', OPEN, 'InterleavedMessage'],
    ['a client does not mask', '5.1', '6455-5.1-2', '1 000 0001  0 0000000', SERVER, 'UnmaskedClientFrame'],
    ['a server masks', '5.1', '6455-5.1-5', '1 000 0001  1 0000000', CLIENT, 'MaskedServerFrame'],
  ] as const)('fails with 1002 when %s (§%s) [%s]', (_, _section, requirement, digits, context, name) => {
    expect(check(digits, context)).toBe(violations[name])
    expect(violations[name]).toMatchObject({ id: requirement, statusCode: 1002 })
  })

  it('judges all 65,536 pairs of bytes in every context as the words of the RFC do (§5.1-§5.5)', () => {
    for (const role of ['server', 'client'] as const) {
      for (const rsv1Owned of [false, true]) {
        for (const messageOpen of [false, true]) {
          for (let pair = 0; pair < 65_536; pair++) {
            const actual = checkHeader(pair >> 8, pair & 0xff, { role, rsv1Owned, messageOpen })
            const expected = firstBrokenRule(pair, role, rsv1Owned, messageOpen)
            if (actual !== (expected === null ? null : violations[expected])) {
              const digits = pair.toString(2).padStart(16, '0')
              expect.fail(
                `${digits} as ${role}, rsv1Owned ${rsv1Owned}, messageOpen ${messageOpen}: ` +
                  `expected ${expected}, got ${actual?.message ?? null}`,
              )
            }
          }
        }
      }
    }
  })
})

/** The rules as a list in the order of §5.2, each on the digits of the two bytes; nothing from `src/`. */
function firstBrokenRule(
  pair: number,
  role: Role,
  rsv1Owned: boolean,
  messageOpen: boolean,
): keyof typeof violations | null {
  const [byte0, byte1] = [octets[pair >> 8]!, octets[pair & 0xff]!]
  const opcode = byte0.slice(4)
  const isControl = opcode[0] === '1'
  const isContinuation = opcode === '0000'
  const isFirst = opcode === '0001' || opcode === '0010'
  const rules: ReadonlyArray<readonly [keyof typeof violations, boolean]> = [
    ['ReservedBit', byte0[2] === '1' || byte0[3] === '1' || (byte0[1] === '1' && !rsv1Owned)],
    ['Rsv1OnControl', byte0[1] === '1' && isControl],
    ['Rsv1OnContinuation', byte0[1] === '1' && isContinuation],
    ['ReservedOpcode', !DEFINED.includes(opcode)],
    ['FragmentedControl', isControl && byte0[0] === '0'],
    ['LongControl', isControl && (byte1.endsWith('1111110') || byte1.endsWith('1111111'))],
    ['OrphanContinuation', isContinuation && !messageOpen],
    ['InterleavedMessage', isFirst && messageOpen],
    ['UnmaskedClientFrame', role === 'server' && byte1[0] === '0'],
    ['MaskedServerFrame', role === 'client' && byte1[0] === '1'],
  ]
  return rules.find(([, isBroken]) => isBroken)?.[0] ?? null
}

const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(2).padStart(8, '0'))
const DEFINED = ['0000', '0001', '0010', '1000', '1001', '1010']

/** Every boundary of the three forms, and of the numbers that JavaScript counts with. */
const LENGTHS = [
  [0, '00'],
  [1, '01'],
  [125, '7d'],
  [126, '7e 00 7e'],
  [127, '7e 00 7f'],
  [128, '7e 00 80'],
  [255, '7e 00 ff'],
  [256, '7e 01 00'],
  [65_535, '7e ff ff'],
  [65_536, '7f 00 00 00 00 00 01 00 00'],
  [65_537, '7f 00 00 00 00 00 01 00 01'],
  [0x0102_0304, '7f 00 00 00 00 01 02 03 04'],
  [2 ** 31 - 1, '7f 00 00 00 00 7f ff ff ff'],
  [2 ** 31, '7f 00 00 00 00 80 00 00 00'],
  [2 ** 31 + 1, '7f 00 00 00 00 80 00 00 01'],
  [2 ** 32 - 1, '7f 00 00 00 00 ff ff ff ff'],
  [2 ** 32, '7f 00 00 00 01 00 00 00 00'],
  [2 ** 32 + 1, '7f 00 00 00 01 00 00 00 01'],
  [0x1_0203_0405_0607, '7f 00 01 02 03 04 05 06 07'],
  [2 ** 53 - 1, '7f 00 1f ff ff ff ff ff ff'],
] as const

describe.each(LENGTHS)('a header for %d bytes', (payloadLength, digits) => {
  const written = concat(hex('82'), hex(digits))

  it(`has the length ${digits}, big-endian and in its shortest form (§5.2) [6455-5.2-6] [6455-5.2-9]`, () => {
    const target = new Uint8Array(written.length + 5).fill(0xaa)
    expect(writeHeader(target, 2, 0x82, 0, payloadLength)).toBe(2 + written.length)
    expect(target).toEqual(concat(hex('aa aa'), written, hex('aa aa aa')))
  })

  it('sets the mask bit when asked to (§5.3) [6455-5.3-1]', () => {
    const target = new Uint8Array(written.length)
    writeHeader(target, 0, 0x82, 0x80, payloadLength)
    const masked = written.slice()
    masked[1]! |= 0x80
    expect(target).toEqual(masked)
  })

  it('is as long as headerLength says, masking-key included (§5.2)', () => {
    expect(headerLength(payloadLength, false)).toBe(written.length)
    expect(headerLength(payloadLength, true)).toBe(written.length + 4)
  })
})
