import { concat } from '../support/chunkings.ts'
import { type ClientFrame, clientBinary, clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { describeBytes } from '../support/recording-listener.ts'
import { COMMANDS, type WireCase } from './wire.ts'

/** Cases of RFC 6455 §5: what a frame may look like, and what follows from it. */

const OPCODES = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa] as const
const RESERVED_OPCODES = [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] as const
const CONTROL: ReadonlyArray<readonly [name: string, opcode: number]> = [
  ['Close', 0x8],
  ['Ping', 0x9],
  ['Pong', 0xa],
]

const text = (payload: string): string => `text ${JSON.stringify(payload)}`
const pong = (payload: Uint8Array | string): string =>
  describeBytes('pong', typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
const ping = (payload: Uint8Array | string = ''): Uint8Array => clientFrame({ opcode: 0x9, payload })
const fragment = (payload: Uint8Array | string, more: Partial<ClientFrame> = {}): Uint8Array =>
  clientFrame({ opcode: 0x0, payload, fin: false, ...more })
const lastFragment = (payload: Uint8Array | string): Uint8Array => clientFrame({ opcode: 0x0, payload })
const firstText = (payload: Uint8Array | string): Uint8Array => clientFrame({ opcode: 0x1, payload, fin: false })

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i)
}

/** What comes before the frame that breaks a rule, and what is said to it. */
const SETTINGS: ReadonlyArray<{ readonly name: string; readonly before: Uint8Array; readonly answer: string[] }> = [
  { name: 'first', before: new Uint8Array(0), answer: [] },
  { name: 'after a message', before: clientText('a'), answer: [text('a')] },
  { name: 'after a ping', before: ping('p'), answer: [pong('p')] },
]

/** The rules that one frame breaks by itself, in every setting, with a good message glued behind it. */
const FAULTS: ReadonlyArray<{ name: string; ids: string[]; frame: Uint8Array; status?: number; rule: string }> = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
    OPCODES.filter((opcode) => opcode !== 0).map((opcode) => ({
      name: `RSV ${rsv.toString(2).padStart(3, '0')} on opcode ${opcode}`,
      ids: ['6455-5.2-3', '6455-5.2-8', '6455-5.8-1'],
      frame: clientFrame({ opcode, rsv, payload: opcode === 0x8 ? Uint8Array.of(3, 0xe8) : 'ab' }),
      rule: '6455-5.2-3',
    })),
  ),
  ...RESERVED_OPCODES.flatMap((opcode) =>
    [true, false].flatMap((fin) =>
      ['', 'abc'].map((payload) => ({
        name: `reserved opcode ${opcode.toString(16)}, ${payload.length} bytes${fin ? '' : ', FIN clear'}`,
        ids: ['6455-5.2-4'],
        frame: clientFrame({ opcode, payload, fin }),
        rule: '6455-5.2-4',
      })),
    ),
  ),
  ...CONTROL.flatMap(([name, opcode]) => [
    {
      name: `${name} with FIN clear`,
      ids: ['6455-5.4-2', '6455-5.5-2'],
      frame: clientFrame({ opcode, fin: false }),
      rule: '6455-5.4-2',
    },
    {
      name: `${name} of 126 bytes`,
      ids: ['6455-5.5-1'],
      frame: clientFrame({ opcode, payload: new Uint8Array(126).fill(0x61) }),
      rule: '6455-5.5-1',
    },
    {
      name: `${name} with a 16-bit length of 5`,
      ids: ['6455-5.5-1'],
      frame: clientFrame({ opcode, payload: 'abcde', lengthBits: 16 }),
      rule: '6455-5.5-1',
    },
    {
      name: `${name} with a 64-bit length of 5`,
      ids: ['6455-5.5-1'],
      frame: clientFrame({ opcode, payload: 'abcde', lengthBits: 64 }),
      rule: '6455-5.5-1',
    },
  ]),
  ...[0x1, 0x2, 0x8, 0x9, 0xa].flatMap((opcode) =>
    (opcode === 0x8 ? [Uint8Array.of(3, 0xe8), ''] : ['ab', '']).map((payload) => ({
      name: `unmasked frame with opcode ${opcode.toString(16)} and ${payload.length} bytes`,
      ids: ['6455-5.1-2', '6455-5.1-3', '6455-5.1-1', '6455-5.3-1', ...(opcode === 0x8 ? ['6455-5.5.1-5'] : [])],
      frame: clientFrame({ opcode, payload, maskingKey: null }),
      rule: '6455-5.1-2',
    })),
  ),
  ...[
    ['16-bit length of 0', '', 16],
    ['16-bit length of 125', 'x'.repeat(125), 16],
    ['64-bit length of 0', '', 64],
    ['64-bit length of 125', 'x'.repeat(125), 64],
    ['64-bit length of 126', 'x'.repeat(126), 64],
    ['64-bit length of 65535', 'x'.repeat(65_535), 64],
  ].map(([name, payload, bits]) => ({
    name: `text with a ${name}`,
    ids: ['6455-5.2-6'],
    frame: clientFrame({ opcode: 0x1, payload: payload as string, lengthBits: bits as 16 | 64 }),
    rule: '6455-5.2-6',
  })),
  ...[
    [0x80, 0, 0, 0, 0, 0, 0, 0],
    [0x80, 0, 0, 0, 0, 0, 0, 5],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x80, 0, 0, 0, 0, 1, 0, 0],
  ].map((length) => ({
    name: `64-bit length with the top bit set, ${length.map((octet) => octet.toString(16)).join(' ')}`,
    ids: ['6455-5.2-5'],
    frame: Uint8Array.of(0x82, 0xff, ...length, 1, 2, 3, 4),
    rule: '6455-5.2-5',
  })),
  ...[
    [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x40, 0, 0, 0, 0, 0, 0, 0],
    [0, 0x20, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 1, 0, 0, 1],
  ].map((length) => ({
    name: `announced length of ${length.map((octet) => octet.toString(16)).join(' ')}`,
    ids: ['6455-10.4-1', '6455-10.4-2'],
    frame: Uint8Array.of(0x82, 0xff, ...length, 1, 2, 3, 4),
    status: 1009,
    rule: '6455-10.4-2',
  })),
  ...[true, false].flatMap((fin) =>
    ['', 'abc'].map((payload) => ({
      name: `continuation without an open message, ${payload.length} bytes${fin ? '' : ', FIN clear'}`,
      ids: ['6455-5.4-14'],
      frame: clientFrame({ opcode: 0x0, payload, fin }),
      rule: '6455-5.4-14',
    })),
  ),
  ...[0x1, 0x2].flatMap((first) =>
    [0x1, 0x2].flatMap((second) =>
      [true, false].map((fin) => ({
        name: `opcode ${second} with FIN ${fin ? 'set' : 'clear'} inside an open message of opcode ${first}`,
        ids: ['6455-5.4-4', '6455-5.4-14'],
        frame: concat(
          clientFrame({ opcode: first, payload: 'a', fin: false }),
          clientFrame({ opcode: second, payload: 'b', fin }),
        ),
        rule: '6455-5.4-4',
      })),
    ),
  ),
]

/** One frame breaks a rule: it is answered with a Close, and what is glued behind it is not processed. */
export const faultCases: readonly WireCase[] = FAULTS.flatMap(({ name, ids, frame, status = 1002, rule }) =>
  SETTINGS.map((setting) => ({
    name: `fails with ${status} at a ${name}, ${setting.name}`,
    ids: [...ids, '6455-7.1.7-3', '6455-7.1.7-5', '6455-7.1.7-7', '6455-10.7-1', '6455-10.7-3'],
    frames: concat(setting.before, frame, clientText('never delivered'), ping('never answered')),
    answer: [...setting.answer, `close ${status} ${rule}`],
  })),
)

/** Pings and Pongs, RFC 6455 §5.5.2 and §5.5.3. */
export const controlCases: readonly WireCase[] = [
  ...[0, 1, 2, 124, 125].map((length) => ({
    name: `answers a ping of ${length} bytes with a pong of the same`,
    ids: ['6455-5.5.2-1', '6455-5.5.2-2', '6455-5.5.3-1', '6455-5.5-1'],
    frames: ping(counting(length)),
    answer: [pong(counting(length))],
  })),
  {
    name: 'answers a ping of octets that are no text',
    ids: ['6455-5.5.3-1'],
    frames: ping(Uint8Array.of(0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff)),
    answer: [pong(Uint8Array.of(0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff))],
  },
  ...[10, 61, 1000].map((count) => ({
    name: `answers ${count} pings in one write, in order`,
    ids: ['6455-5.5.2-2', '6455-5.5.3-1', '6455-5.5.3-2'],
    frames: concat(...Array.from({ length: count }, (_, i) => ping(String(i)))),
    answer: Array.from({ length: count }, (_, i) => pong(String(i))),
  })),
  ...['', 'unsolicited', 'x'.repeat(125)].map((payload) => ({
    name: `says nothing to an unsolicited pong of ${payload.length} bytes`,
    ids: ['6455-5.5.3-3'],
    frames: concat(clientFrame({ opcode: 0xa, payload }), ping('next')),
    answer: [pong('next')],
  })),
  {
    name: 'answers a ping between fragments at once and then echoes the message whole',
    ids: ['6455-5.4-1', '6455-5.4-5', '6455-5.5.2-3', '6455-6.2-2'],
    frames: concat(
      firstText('a'),
      ping('1'),
      fragment('b'),
      ping('2'),
      clientFrame({ opcode: 0xa }),
      lastFragment('c'),
    ),
    answer: [pong('1'), pong('2'), text('abc')],
  },
  {
    name: 'honours a Close between fragments',
    ids: ['6455-5.4-5', '6455-5.5.1-7'],
    frames: concat(firstText('a'), clientClose(1001), lastFragment('b')),
    answer: ['close 1001 ""'],
  },
]

/** Fragmentation, RFC 6455 §5.4, and messages one after the other, §6.2. */
export const fragmentCases: readonly WireCase[] = [
  ...[2, 3, 5, 100].map((count) => ({
    name: `joins ${count} one-byte fragments in order`,
    ids: ['6455-5.4-3', '6455-5.4-7', '6455-5.4-12', '6455-5.4-13', '6455-6.2-1', '6455-6.2-3'],
    frames: concat(
      ...Array.from({ length: count }, (_, i) =>
        clientFrame({ opcode: i === 0 ? 0x1 : 0x0, fin: i === count - 1, payload: String(i % 10) }),
      ),
    ),
    answer: [text(Array.from({ length: count }, (_, i) => String(i % 10)).join(''))],
  })),
  {
    name: 'takes empty fragments first, in the middle and last',
    ids: ['6455-5.4-6', '6455-5.2-1'],
    frames: concat(firstText(''), fragment(''), fragment('x'), fragment(''), lastFragment('')),
    answer: [text('x')],
  },
  {
    name: 'takes a message of nothing but empty fragments',
    ids: ['6455-5.4-6'],
    frames: concat(firstText(''), fragment(''), lastFragment('')),
    answer: [text('')],
  },
  {
    name: 'starts each message anew and keeps its type',
    ids: ['6455-6.2-4', '6455-6.2-3', '6455-5.4-12', '6455-6.1-6', '6455-6.1-7', '6455-5.2-1'],
    frames: concat(
      clientText('a'),
      clientBinary(Uint8Array.of(0xff)),
      firstText('b'),
      lastFragment('c'),
      clientFrame({ opcode: 0x2, payload: Uint8Array.of(0x80), fin: false }),
      lastFragment(Uint8Array.of(0x81)),
      clientText('d'),
    ),
    answer: [text('a'), 'binary ff', text('bc'), 'binary 80 81', text('d')],
  },
  {
    name: 'refuses a continuation behind a message that has ended',
    ids: ['6455-5.4-14', '6455-6.2-4'],
    frames: concat(firstText('a'), lastFragment('b'), lastFragment('c')),
    answer: [text('ab'), 'close 1002 6455-5.4-14'],
  },
  ...[
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0xff, 0, 0xff, 0],
    [0xff, 0xff, 0xff, 0xff],
    [0x80, 0, 0, 0],
  ].map((maskingKey) => ({
    name: `unmasks with the key ${maskingKey.map((octet) => octet.toString(16).padStart(2, '0')).join(' ')}`,
    ids: ['6455-5.3-5', '6455-5.3-6', '6455-6.2-7', '6455-5.1-1'],
    frames: concat(
      clientFrame({ opcode: 0x1, payload: 'some words', maskingKey }),
      clientFrame({ opcode: 0x2, payload: counting(9), maskingKey }),
    ),
    answer: [text('some words'), describeBytes('binary', counting(9))],
  })),
]

/** The closing handshake, RFC 6455 §5.5.1 and §7. */
export const closeCases: readonly WireCase[] = [
  {
    name: 'answers an empty Close with an empty one',
    ids: ['6455-5.5.1-1', '6455-5.5.1-7', '6455-7.1.5-2'],
    frames: clientClose(),
    answer: ['close'],
  },
  {
    name: 'refuses a Close with a body of one byte',
    ids: ['6455-5.5.1-2'],
    frames: clientFrame({ opcode: 0x8, payload: Uint8Array.of(3) }),
    answer: ['close 1002 6455-5.5.1-2'],
  },
  ...['x', 'grüße, 你好, 𝄞', 'x'.repeat(123)].map((reason) => ({
    name: `takes a Close with a reason of ${Buffer.byteLength(reason)} bytes`,
    ids: ['6455-5.5.1-3', '6455-7.4-1'],
    frames: clientClose(1000, reason),
    answer: ['close 1000 ""'],
  })),
  ...['ff', 'c328', 'eda080', 'e282', 'c0af', 'f4908080', `${'61'.repeat(121)}c3`].map((reason) => ({
    name: `refuses a Close with the reason ${reason.slice(-10)}, which is no UTF-8`,
    ids: ['6455-5.5.1-3', '6455-8.1-1'],
    frames: clientFrame({ opcode: 0x8, payload: Buffer.from(`03e8${reason}`, 'hex') }),
    answer: ['close 1007 6455-8.1-1'],
  })),
  {
    name: 'ignores everything behind a Close',
    ids: ['6455-5.5.1-6', '6455-5.5.2-2', '6455-5.5.1-10', '6455-5.5.1-11', '6455-7.1.1-1', '6455-7.1.2-2'],
    frames: concat(clientClose(1000), ping('late'), clientText('late'), clientClose(4000), Uint8Array.of(0xff, 0xff)),
    answer: ['close 1000 ""'],
  },
  {
    name: 'closes on demand with a code and a reason, and ends when the peer answers',
    ids: ['6455-7.1.2-1', '6455-5.5.1-10', '6455-5.5.1-11', '6455-7.3-1', '6455-7.4-1', '6455-7.1.1-5'],
    frames: concat(clientText(COMMANDS.closeWithReason), clientClose(4001)),
    answer: ['close 4001 "so long"'],
  },
  {
    name: 'answers a ping between its own Close and the peer’s',
    ids: ['6455-5.5.2-2', '6455-7.1.2-1'],
    frames: concat(clientText(COMMANDS.close), ping('still here'), clientClose(1000)),
    answer: ['close 1000 ""', pong('still here')],
    staysOpen: false,
  },
  {
    name: 'sends no data behind its own Close',
    ids: ['6455-5.5.1-6', '6455-6.1-2'],
    frames: concat(clientText(COMMANDS.send), clientClose(1000)),
    answer: ['close 1000 ""'],
  },
]
