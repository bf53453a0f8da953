import { describe, expect, it } from 'vitest'
import { deliveriesOf, inParallel } from '../conformance/wire.ts'
import { concat } from '../support/chunkings.ts'
import { acceptance, converse, headOf, serverClose, serverFrame, type Use } from './scripted-server.ts'

interface ClientCase {
  readonly name: string
  readonly ids: readonly string[]
  /** What the server writes behind its response. */
  readonly frames: Uint8Array
  /** What the application is told between `open` and the end. */
  readonly events: readonly string[]
  /** What the client sends. */
  readonly sent: readonly string[]
  readonly use?: Use
  /** What the server answers to the client's Close frame. */
  readonly reply?: Uint8Array
}

const text = (payload: string | Uint8Array, fin = true): Uint8Array => serverFrame({ opcode: 0x1, payload, fin })
const more = (payload: string | Uint8Array, fin = false): Uint8Array => serverFrame({ opcode: 0x0, payload, fin })
const ping = (payload = ''): Uint8Array => serverFrame({ opcode: 0x9, payload })
const BEHIND = concat(text('never delivered'), ping('never answered'))

/** A fault of the server: the client fails the connection, says why, and processes nothing more. */
function fault(name: string, ids: string[], frames: Uint8Array, rule: string, code = 1002): ClientCase {
  return {
    name: `fails with ${code} at ${name}`,
    ids: [...ids, '6455-7.1.7-1', '6455-7.1.7-7', '6455-7.2.1-1'],
    frames: concat(frames, BEHIND),
    events: [`error ${rule}`, `close 1006 ""`],
    sent: [`close ${code} ${rule}`],
  }
}

const FAULTS: readonly ClientCase[] = [
  ...[0x1, 0x2, 0x8, 0x9, 0xa].flatMap((opcode) =>
    ['', 'ab'].map((payload) =>
      fault(
        `a masked frame with opcode ${opcode.toString(16)} and ${payload.length} bytes`,
        ['6455-5.1-5', '6455-5.1-6'],
        serverFrame({
          opcode,
          payload: opcode === 0x8 && payload !== '' ? Uint8Array.of(3, 0xe8) : payload,
          maskingKey: [1, 2, 3, 4],
        }),
        '6455-5.1-5',
      ),
    ),
  ),
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) =>
    fault(
      `the reserved bits ${rsv}`,
      ['6455-5.2-3', '6455-5.2-8'],
      serverFrame({ opcode: 1, rsv, payload: 'a' }),
      '6455-5.2-3',
    ),
  ),
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) =>
    fault(
      `the reserved opcode ${opcode.toString(16)}`,
      ['6455-5.2-4'],
      serverFrame({ opcode, payload: 'a' }),
      '6455-5.2-4',
    ),
  ),
  ...[0x8, 0x9, 0xa].flatMap((opcode) => [
    fault(
      `opcode ${opcode.toString(16)} with FIN clear`,
      ['6455-5.4-2', '6455-5.5-2'],
      serverFrame({ opcode, fin: false }),
      '6455-5.4-2',
    ),
    fault(
      `opcode ${opcode.toString(16)} with 126 bytes`,
      ['6455-5.5-1'],
      serverFrame({ opcode, payload: new Uint8Array(126).fill(97) }),
      '6455-5.5-1',
    ),
  ]),
  fault('a continuation without a message', ['6455-5.4-14'], more('a', true), '6455-5.4-14'),
  fault('a new message inside an open one', ['6455-5.4-4'], concat(text('a', false), text('b')), '6455-5.4-4'),
  fault(
    'a length that is not minimal',
    ['6455-5.2-6'],
    serverFrame({ opcode: 1, payload: 'abc', lengthBits: 16 }),
    '6455-5.2-6',
  ),
  fault(
    'a length with its top bit set',
    ['6455-5.2-5'],
    Uint8Array.of(0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 1),
    '6455-5.2-5',
  ),
  fault(
    'a length of 2^62',
    ['6455-10.4-1', '6455-10.4-2'],
    Uint8Array.of(0x82, 0x7f, 0x40, 0, 0, 0, 0, 0, 0, 0),
    '6455-10.4-2',
    1009,
  ),
  ...['ff', 'c0af', 'eda080', 'f4908080', '61e282'].map((octets) =>
    fault(
      `the text ${octets}, which is no UTF-8`,
      ['6455-5.6-1', '6455-8.1-1'],
      text(Buffer.from(octets, 'hex')),
      '6455-8.1-1',
      1007,
    ),
  ),
  fault(
    'a Close with a body of one byte',
    ['6455-5.5.1-2'],
    serverFrame({ opcode: 8, payload: Uint8Array.of(3) }),
    '6455-5.5.1-2',
  ),
  fault('a Close whose reason is no UTF-8', ['6455-8.1-1'], serverClose(1000, Uint8Array.of(0xff)), '6455-8.1-1', 1007),
  ...(
    [
      [0, '6455-7.4.2-1'],
      [999, '6455-7.4.2-1'],
      [1004, '6455-7.4.1-9'],
      [1005, '6455-7.4.1-3'],
      [1006, '6455-7.4.1-4'],
      [1015, '6455-7.4.1-6'],
      [1016, '6455-7.4.2-2'],
      [2999, '6455-7.4.2-2'],
      [5000, '6455-7.4.2-4'],
      [65_535, '6455-7.4.2-4'],
    ] as const
  ).map(([code, rule]) => fault(`a Close with ${code}`, [rule], serverClose(code), rule)),
]

/** What a client must take. */
const LEGAL: readonly ClientCase[] = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) => ({
    name: `answers a Close with ${code} with the same, and reports code and reason`,
    ids: ['6455-5.5.1-7', '6455-7.1.5-1', '6455-7.1.6-1', '6455-5.5.1-12'],
    frames: concat(serverClose(code, 'grüße'), BEHIND),
    events: [`close ${code} "grüße"`],
    sent: [`close ${code} ""`],
  })),
  {
    name: 'answers an empty Close with an empty one, and reports 1005',
    ids: ['6455-7.1.5-2', '6455-5.5.1-7'],
    frames: serverClose(),
    events: ['close 1005 ""'],
    sent: ['close'],
  },
  {
    name: 'answers every Ping with a masked Pong of the same bytes, in order',
    ids: ['6455-5.5.2-2', '6455-5.5.3-1', '6455-5.1-1', '6455-6.1-8', '6455-5.3-2'],
    frames: concat(ping(), ping('a'), ping('x'.repeat(125)), serverClose(1000)),
    events: ['ping', 'ping 61', `ping ${'78 '.repeat(125).trimEnd()}`, 'close 1000 ""'],
    sent: ['pong', 'pong 61', `pong ${'78 '.repeat(125).trimEnd()}`, 'close 1000 ""'],
  },
  {
    name: 'takes messages, whole and in fragments, with Pings and Pongs between them',
    ids: ['6455-5.4-3', '6455-5.4-5', '6455-5.4-7', '6455-5.4-12', '6455-5.5.3-3', '6455-5.4-13'],
    frames: concat(
      text('one'),
      serverFrame({ opcode: 0x2, payload: Uint8Array.of(0xff) }),
      text('t', false),
      ping('p'),
      more('w'),
      serverFrame({ opcode: 0xa }),
      more('o', true),
      serverClose(1000),
    ),
    events: ['text "one"', 'binary ff', 'ping 70', 'pong', 'text "two"', 'close 1000 ""'],
    sent: ['pong 70', 'close 1000 ""'],
  },
  {
    name: 'sends what the application sends, masked, and closes as it says',
    ids: ['6455-5.1-1', '6455-5.3-1', '6455-5.3-2', '6455-6.1-8', '6455-10.3-1', '6455-7.1.2-1', '6455-5.5.1-5'],
    frames: new Uint8Array(0),
    events: ['close 4001 ""'],
    reply: serverClose(4001),
    sent: ['text "grüße"', 'binary 00 ff', 'ping 70', 'close 4001 "so long"'],
    use: (ws) =>
      ws.on('open', () => {
        ws.send('grüße')
        ws.send(Uint8Array.of(0, 0xff))
        ws.ping('p')
        ws.close(4001, 'so long')
      }),
  },
]

describe.each([
  { name: 'a server that breaks a rule', cases: FAULTS },
  { name: 'a server that keeps to the rules', cases: LEGAL },
])('the client and $name:', ({ cases }) => {
  const rows = cases.map((row) => ({ ...row, title: `${row.name} ${row.ids.map((id) => `[${id}]`).join(' ')}` }))
  it.each(rows)('$title', async ({ frames, events, sent, use, reply }) => {
    await inParallel(
      deliveriesOf(frames),
      async ({ name, chunks }) => {
        const conversation = await converse((request) => [headOf(acceptance(request)), ...chunks], use, [], reply)
        const wanted = { name, events: ['open', ...events], sent, areMasked: true, keys: sent.length }
        const { url: _, ...seen } = conversation
        expect({ name, ...seen }).toEqual(wanted)
      },
      16,
    )
  })
})

describe('the client and the end of the transport', () => {
  it.each([
    { name: 'at once', frames: new Uint8Array(0) },
    { name: 'inside a frame', frames: text('hello').slice(0, 4) },
    { name: 'inside a fragmented message', frames: text('hello', false) },
  ])(
    'reports 1006 when the server ends TCP $name without a Close [6455-7.1.5-3] [6455-7.2.1-2]',
    async ({ frames }) => {
      const { events, sent } = await converse((request) => {
        request.socket.end(concat(headOf(acceptance(request)), frames))
        return []
      })
      expect({ events, sent }).toEqual({ events: ['open', 'close 1006 ""'], sent: [] })
    },
  )
})
