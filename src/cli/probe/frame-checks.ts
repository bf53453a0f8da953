import { type Check, met, notMet, untested } from './check.ts'
import { BINARY, CLOSE, CONTINUATION, close, frame, PING, PONG, ping, statusCodeOf, TEXT, text } from './frames.ts'
import type { Lab, Session } from './lab.ts'

/** Checks of frames that break a rule, RFC 6455 §5 and §8.1, and of how the connection is failed, §7.1.7. */

const MARK = 'framewright: must not come back'

async function within<T>(lab: Lab, run: (session: Session) => Promise<T>): Promise<T> {
  const session = await lab.open()
  try {
    return await run(session)
  } finally {
    session.done()
  }
}

const ENDS = '6455-7.1.7-3'
const IS_DEAF = '6455-7.1.7-7'

/**
 * A fault: the connection must be failed, its end must come, and what is glued behind the fault must not be processed.
 *
 * @param before frames that are sent in a write of their own, for what must be open or answered first
 */
function fault(ids: readonly string[], what: string, faulty: Buffer, before?: Buffer): Check {
  return {
    ids: [...ids, ENDS, IS_DEAF],
    what,
    run: (lab) =>
      within(lab, async (session) => {
        const wentOn = (): boolean => session.hasEcho(MARK) || session.pongs.some((pong) => pong.toString() === MARK)
        if (before !== undefined) await session.send(before)
        await session.send(faulty, text(MARK), ping(MARK))
        await session.until(() => session.isOver || wentOn())
        if (!session.isOver) {
          const seen = wentOn() ? 'accepted, and what follows too' : 'not refused'
          const unnoticed = untested('the server noticed no fault')
          const isAccepted = notMet(`${seen}: ${session.describe()}`)
          return new Map([...ids.map((id) => [id, isAccepted] as const), [ENDS, unnoticed], [IS_DEAF, unnoticed]])
        }
        const hasEnded = await session.untilEnd()
        return new Map([
          [ENDS, hasEnded ? met : notMet(`no end of the connection after ${session.describe()}`)],
          [IS_DEAF, wentOn() ? notMet(`answered what follows: ${session.describe()}`) : met],
        ])
      }),
  }
}

/** The Close frame that a fault is answered with, and its code. */
function fittingClose(ids: readonly string[], what: string, faulty: Buffer, codes: readonly number[]): Check {
  return {
    ids,
    what,
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(faulty)
        await session.until(() => session.isOver)
        const { closeFrame } = session
        if (closeFrame === undefined) return notMet(`no Close frame but ${session.describe()}`)
        const code = statusCodeOf(closeFrame)
        return codes.includes(code) ? met : notMet(`a Close with ${code}, not ${codes.join(' or ')}`)
      }),
  }
}

const OPCODE_NAMES = new Map([
  [TEXT, 'text frame'],
  [BINARY, 'binary frame'],
  [CLOSE, 'Close'],
  [PING, 'Ping'],
  [PONG, 'Pong'],
])
const nameOf = (opcode: number): string => OPCODE_NAMES.get(opcode) ?? `frame with opcode ${opcode.toString(16)}`
const NORMAL = Buffer.of(0x03, 0xe8)
const body = (opcode: number): Buffer => (opcode === CLOSE ? NORMAL : Buffer.from('ab'))
const openText = frame({ opcode: TEXT, fin: false, payload: 'a' })

export const faultChecks: readonly Check[] = [
  ...[TEXT, BINARY, CLOSE, PING, PONG].map((opcode) =>
    fault(['6455-5.1-2'], `an unmasked ${nameOf(opcode)}`, frame({ opcode, payload: body(opcode), key: null })),
  ),
  fault(['6455-5.1-2'], 'an unmasked text frame without payload', frame({ opcode: TEXT, key: null })),
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
    [TEXT, BINARY, PING, CLOSE].map((opcode) =>
      fault(
        ['6455-5.2-3', ...((rsv & 4) === 0 ? [] : ['6455-5.2-8', '6455-5.8-1'])],
        `a ${nameOf(opcode)} with the reserved bits ${rsv.toString(2).padStart(3, '0')}`,
        frame({ opcode, rsv, payload: body(opcode) }),
      ),
    ),
  ),
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) =>
    fault(['6455-5.2-4'], `a ${nameOf(opcode)}`, frame({ opcode, payload: 'ab' })),
  ),
  ...['8000000000000000', '8000000000000005', 'ffffffffffffffff'].map((length) =>
    fault(
      ['6455-5.2-5'],
      `the 64-bit length ${length}, with its top bit set`,
      frame({ opcode: BINARY, announced: BigInt(`0x${length}`) }),
    ),
  ),
  ...(
    [
      [0, 16],
      [125, 16],
      [125, 64],
      [126, 64],
      [65_535, 64],
    ] as const
  ).map(([length, lengthBits]) =>
    fault(
      ['6455-5.2-6'],
      `a length of ${length} in ${lengthBits} bits`,
      frame({ opcode: TEXT, payload: 'x'.repeat(length), lengthBits }),
    ),
  ),
  ...[CLOSE, PING, PONG].flatMap((opcode) => [
    fault(
      ['6455-5.4-2', '6455-5.5-2'],
      `a ${nameOf(opcode)} with FIN clear`,
      frame({ opcode, fin: false, payload: body(opcode) }),
    ),
    fault(['6455-5.5-1'], `a ${nameOf(opcode)} of 126 bytes`, frame({ opcode, payload: Buffer.alloc(126, 'x') })),
  ]),
  ...[true, false].map((fin) =>
    fault(
      ['6455-5.4-14'],
      `a ${fin ? 'final' : 'first'} continuation frame without a message`,
      frame({ opcode: CONTINUATION, fin, payload: 'ab' }),
    ),
  ),
  ...[TEXT, BINARY].map((opcode) =>
    fault(
      ['6455-5.4-4', '6455-5.4-14'],
      `a ${nameOf(opcode)} inside an open message`,
      frame({ opcode, payload: 'b' }),
      openText,
    ),
  ),
  fault(['6455-5.5.1-2'], 'a Close with a body of one byte', frame({ opcode: CLOSE, payload: Buffer.of(3) })),
  ...[
    ['an overlong form', 'c0af'],
    ['a surrogate', 'eda080'],
    ['a value above U+10FFFF', 'f4908080'],
    ['a stray continuation octet', '618061'],
    ['an octet that never stands in UTF-8', '61ff61'],
    ['a character that is cut off', '61e282'],
  ].map(([what, octets]) =>
    fault(['6455-5.6-1', '6455-8.1-1'], `text with ${what}`, text(Buffer.from(octets!, 'hex'))),
  ),
  fault(
    ['6455-5.6-1'],
    'a character that two fragments make wrong',
    frame({ opcode: CONTINUATION, payload: '(' }),
    frame({ opcode: TEXT, fin: false, payload: Buffer.of(0x61, 0xe2) }),
  ),
  fault(['6455-8.1-1'], 'a Close whose reason is not UTF-8', close(1000, Buffer.of(0xc3, 0x28))),
  fault(
    ['6455-10.4-1', '6455-10.4-2'],
    'a frame that announces 2^62 bytes',
    Buffer.concat([frame({ opcode: BINARY, announced: 1n << 62n }), Buffer.alloc(1024)]),
  ),
  ...[
    ['in a frame', frame({ opcode: TEXT, announced: 1000n, payload: Buffer.of(0x61, 0xff) })],
    ['in a fragment', frame({ opcode: TEXT, fin: false, payload: Buffer.of(0x61, 0xc0, 0xaf) })],
  ].map(([where, faulty]) => failFast(where as string, faulty as Buffer)),
  fittingClose(['6455-7.1.7-5', '6455-10.7-3'], 'the answer to a reserved opcode', frame({ opcode: 3 }), [1002]),
  fittingClose(['6455-7.1.7-5', '6455-10.7-3'], 'the answer to text that is not UTF-8', text(Buffer.of(0xff)), [1007]),
]

/** RFC 6455 §8.1 with erratum 3434: an octet that can never be right is refused when it arrives, not when the message ends. */
function failFast(where: string, faulty: Buffer): Check {
  return {
    ids: ['6455-5.6-1'],
    what: `an octet that can never be right ${where}, the message still open`,
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(faulty)
        await session.until(() => session.isOver)
        return session.isOver
          ? met
          : notMet(`not refused before the message ends (no fail-fast): ${session.describe()}`)
      }),
  }
}

/** Status codes that must not stand in a Close frame, §7.4. */
function refusedCode(id: string, code: number): Check {
  return {
    ids: [id],
    what: `a Close with ${code}`,
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(close(code))
        if (!(await session.until(() => session.isOver))) return notMet(session.describe())
        const { closeFrame } = session
        const isEchoed = closeFrame !== undefined && statusCodeOf(closeFrame) === code
        return isEchoed ? notMet('the server takes it and sends it itself') : met
      }),
  }
}

function acceptedCode(code: number | undefined): Check {
  return {
    ids: ['6455-5.5.1-7', '6455-5.5.1-8'],
    what: code === undefined ? 'a Close without a code' : `a Close with ${code}`,
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(close(code))
        await session.until(() => session.closeFrame !== undefined)
        const { closeFrame } = session
        if (closeFrame === undefined) return notMet(`no Close frame but ${session.describe()}`)
        // Echoing the code is what endpoints typically do; refusing a good one is a fault.
        return statusCodeOf(closeFrame) === 1002 ? notMet('the server refuses it with 1002') : met
      }),
  }
}

export const closeChecks: readonly Check[] = [
  ...[undefined, 1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999].map(acceptedCode),
  refusedCode('6455-7.4.2-1', 0),
  refusedCode('6455-7.4.2-1', 999),
  refusedCode('6455-7.4.1-9', 1004),
  refusedCode('6455-7.4.1-3', 1005),
  refusedCode('6455-7.4.1-4', 1006),
  refusedCode('6455-7.4.1-6', 1015),
  ...[1016, 1100, 2000, 2999].map((code) => refusedCode('6455-7.4.2-2', code)),
  {
    ids: ['6455-5.5.1-10', '6455-5.5.1-11', '6455-7.1.1-3', '6455-7.1.1-5', '6455-7.1.2-2'],
    what: 'TCP after both Close frames, with the client’s side still open',
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(close(1000))
        return (await session.untilEnd()) ? met : notMet(`the connection stays open after ${session.describe()}`)
      }),
  },
  {
    ids: ['6455-7.1.1-1'],
    what: 'the end after both Close frames, with bytes behind the client’s',
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(close(1000), text('late'))
        await session.untilEnd()
        return session.peer.ending === 'FIN' ? met : notMet(session.describe())
      }),
  },
  {
    ids: ['6455-5.5.1-6', '6455-5.5.2-2'],
    what: 'a message and a Ping behind the client’s Close',
    run: (lab) =>
      within(lab, async (session) => {
        await session.send(close(1000), text('late'), ping('late'))
        await session.untilEnd()
        const closeAt = session.frames.findIndex(({ opcode }) => opcode === CLOSE)
        if (closeAt < 0) return notMet(`no Close frame but ${session.describe()}`)
        const isLast = closeAt === session.frames.length - 1
        return isLast && session.pongs.length === 0 ? met : notMet(`the server still answers: ${session.describe()}`)
      }),
  },
  {
    ids: ['6455-7.1.2-1', '6455-5.5.1-14'],
    what: 'a closing handshake that the server starts',
    run: async () => untested('a client cannot make the server start it'),
  },
]
