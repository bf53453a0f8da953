import { type Check, type Finding, met, notMet, untested } from './check.ts'
import { BINARY, CLOSE, CONTINUATION, close, frame, PONG, ping, TEXT, text } from './frames.ts'
import type { Lab, Session } from './lab.ts'

/** Checks of what a server must be able to take and answer, and of the frames it sends itself. */

interface Wanted {
  /** Payloads of the Pongs that must come, in order. */
  readonly pongs?: readonly (Buffer | string)[]
  /** Messages that must come back, in order. */
  readonly echoes?: ReadonlyArray<readonly [opcode: number, payload: Buffer | string]>
}

const END = 'framewright: end'

/** Legal frames: the connection must live on, and the answers must be right. */
function legal(
  ids: readonly string[],
  what: string,
  chunks: readonly Buffer[],
  { pongs = [], echoes = [] }: Wanted,
): Check {
  return {
    ids,
    what,
    ...(echoes.length > 0 ? { needs: 'echo' } : {}),
    run: async (lab: Lab) => {
      const session = await lab.open()
      try {
        for (const chunk of chunks) await session.send(chunk)
        await session.send(ping(END))
        const isDone = (): boolean =>
          session.pongs.length > pongs.length && session.messages.filter(isEcho).length >= echoes.length
        const isEcho = ({ payload }: { payload: Buffer }): boolean =>
          echoes.some(([, wanted]) => payload.equals(Buffer.from(wanted)))
        await session.until(() => isDone() || session.isOver)
        return judge(session, [...pongs, END], echoes)
      } finally {
        session.done()
      }
    },
  }
}

function judge(session: Session, pongs: readonly (Buffer | string)[], echoes: Wanted['echoes'] = []): Finding {
  if (session.isOver) return notMet(`the connection was ended: ${session.describe()}`)
  const arePongsRight =
    session.pongs.length === pongs.length && session.pongs.every((pong, i) => pong.equals(Buffer.from(pongs[i]!)))
  if (!arePongsRight)
    return notMet(
      `${session.pongs.length} Pongs for ${pongs.length} Pings, or others than asked for: ${session.describe()}`,
    )
  // Messages that the server sends of its own accord are none of our business.
  let at = 0
  for (const { opcode, payload } of session.messages) {
    const wanted = echoes[at]
    if (wanted !== undefined && opcode === wanted[0] && payload.equals(Buffer.from(wanted[1]))) at += 1
  }
  return at === echoes.length ? met : notMet(`${at} of ${echoes.length} messages came back: ${session.describe()}`)
}

const whole = (...frames: Buffer[]): Buffer[] => [Buffer.concat(frames)]
const octets = (...frames: Buffer[]): Buffer[] => Array.from(Buffer.concat(frames), (octet) => Buffer.of(octet))
const first = (payload: Buffer | string, opcode = TEXT): Buffer => frame({ opcode, fin: false, payload })
const next = (payload: Buffer | string): Buffer => frame({ opcode: CONTINUATION, fin: false, payload })
const last = (payload: Buffer | string): Buffer => frame({ opcode: CONTINUATION, payload })
const counting = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i & 0xff))

const VALID_TEXT = 'κόσμε, grüße, 你好, \u{1d11e}, \0, \ufeff, \uffff, \u{10ffff}'
const fragments = Array.from({ length: 100 }, (_, i) => String(i % 10))

export const messageChecks: readonly Check[] = [
  ...[0, 1, 125].map((length) =>
    legal(['6455-5.5.2-2', '6455-5.5.3-1', '6455-5.5-1'], `a Ping of ${length} bytes`, whole(ping(counting(length))), {
      pongs: [counting(length)],
    }),
  ),
  legal(['6455-5.5.3-1'], 'a Ping of octets that are no text', whole(ping(Buffer.of(0, 0xff, 0xfe, 0xc0))), {
    pongs: [Buffer.of(0, 0xff, 0xfe, 0xc0)],
  }),
  ...[10, 61, 200].map((count) =>
    legal(
      ['6455-5.5.2-2'],
      `${count} Pings in one write`,
      whole(...Array.from({ length: count }, (_, i) => ping(String(i)))),
      { pongs: Array.from({ length: count }, (_, i) => String(i)) },
    ),
  ),
  legal(['6455-6.2-1', '6455-5.4-13'], 'a Ping, one octet per write', octets(ping('abc')), { pongs: ['abc'] }),
  legal(['6455-6.2-2'], 'an unsolicited Pong', whole(frame({ opcode: PONG, payload: 'x' })), {}),
  legal(
    ['6455-5.4-5', '6455-5.5.2-3', '6455-6.2-2'],
    'a Ping inside a fragmented message',
    whole(first('a'), ping('now')),
    {
      pongs: ['now'],
    },
  ),
  {
    ids: ['6455-5.4-5'],
    what: 'a Close inside a fragmented message',
    run: async (lab) => {
      const session = await lab.open()
      try {
        await session.send(first('a'), close(1000))
        await session.until(() => session.closeFrame !== undefined)
        return session.closeFrame !== undefined ? met : notMet(`no Close frame but ${session.describe()}`)
      } finally {
        session.done()
      }
    },
  },
  ...[0, 1, 125, 126, 256, 65_535, 65_536].map((length) =>
    legal(
      ['6455-5.2-9', '6455-5.3-6', '6455-6.1-4', '6455-6.1-9', '6455-10.7-5'],
      `a binary message of ${length} bytes`,
      whole(frame({ opcode: BINARY, payload: counting(length) })),
      { echoes: [[BINARY, counting(length)]] },
    ),
  ),
  ...[
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0xff, 0xfe, 0xfd, 0xfc],
  ].map((key) =>
    legal(
      ['6455-5.3-5', '6455-6.2-7'],
      `the masking-key ${key.join(' ')}, one octet per write`,
      octets(frame({ opcode: TEXT, payload: 'masked words', key })),
      { echoes: [[TEXT, 'masked words']] },
    ),
  ),
  legal(
    ['6455-5.4-3', '6455-5.4-7', '6455-5.4-12', '6455-6.2-3'],
    '100 fragments of one byte',
    whole(...fragments.map((digit, i) => (i === 0 ? first(digit) : i === 99 ? last(digit) : next(digit)))),
    { echoes: [[TEXT, fragments.join('')]] },
  ),
  legal(['6455-5.4-7'], 'empty fragments', whole(first(''), next('x'), next(''), last('')), { echoes: [[TEXT, 'x']] }),
  legal(
    ['6455-5.4-12', '6455-6.2-3', '6455-6.1-6', '6455-6.1-7'],
    'text in one fragment and binary in two',
    whole(text('a text'), first(Buffer.of(0xff), BINARY), last(Buffer.of(0xfe))),
    {
      echoes: [
        [TEXT, 'a text'],
        [BINARY, Buffer.of(0xff, 0xfe)],
      ],
    },
  ),
  legal(
    ['6455-5.4-5'],
    'Pings between the fragments of a message',
    whole(first('a'), ping('1'), next('b'), ping('2'), last('c')),
    { pongs: ['1', '2'], echoes: [[TEXT, 'abc']] },
  ),
  legal(['6455-6.2-4'], 'two messages back to back', whole(text('one'), text('two')), {
    echoes: [
      [TEXT, 'one'],
      [TEXT, 'two'],
    ],
  }),
  legal(['6455-5.4-13', '6455-6.2-1'], 'fragments, one octet per write', octets(first('ab'), last('cd')), {
    echoes: [[TEXT, 'abcd']],
  }),
  ...[whole, octets].map((deliver) =>
    legal(
      ['6455-5.6-1', '6455-8.1-1'],
      `valid text with characters of every length, ${deliver === whole ? 'whole' : 'one octet per write'}`,
      deliver(text(VALID_TEXT)),
      { echoes: [[TEXT, VALID_TEXT]] },
    ),
  ),
  legal(
    ['6455-5.6-1'],
    'valid text, cut inside its characters',
    whole(first(Buffer.of(0xf0, 0x9d)), next(Buffer.of(0x84)), last(Buffer.of(0x9e))),
    { echoes: [[TEXT, '\u{1d11e}']] },
  ),
  watch('6455-5.1-4', 'masked', ({ masked }) => !masked),
  watch('6455-5.2-2', 'with a reserved bit', ({ rsv }) => rsv === 0),
  watch('6455-5.2-6', 'with a length in more bytes than it needs', ({ minimal }) => minimal),
  watch(
    '6455-5.5-1',
    'of control with more than 125 bytes',
    ({ opcode, payload }) => opcode < CLOSE || payload.length <= 125,
  ),
  {
    ids: ['6455-10.7-1'],
    what: 'the server after everything that was tried on it',
    needs: 'last',
    run: async (lab) => {
      const session = await lab.open()
      try {
        await session.send(ping(END))
        return (await session.until(() => session.pongs.length > 0)) ? met : notMet(`a Ping got ${session.describe()}`)
      } finally {
        session.done()
      }
    },
  },
]

/** A rule for every frame that the server sends. */
function watch(id: string, what: string, isRight: (seen: Lab['seenFrames'][number]) => boolean): Check {
  return {
    ids: [id],
    what: 'every frame that the server sent',
    needs: 'last',
    run: async ({ seenFrames }) => {
      if (seenFrames.length === 0) return untested('the server sent no frame')
      const wrong = seenFrames.filter((seen) => !isRight(seen)).length
      return wrong === 0 ? met : notMet(`${wrong} of ${seenFrames.length} frames ${what}`)
    },
  }
}
