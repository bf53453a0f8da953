import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { toHex } from '../support/hex.ts'
import { BOUNDARY_OCTETS, canBeCompleted, isUtf8ByTheGrammar } from '../support/utf8-grammar.ts'
import { exchange, inParallel, inWords, WireServer } from './wire.ts'

/*
 * The UTF-8 table of RFC 3629, made from its grammar: every sequence of up to four octets that goes on for as long as it may
 * become a character and ends where it has become one or cannot any more, with an octet at each boundary of each range.
 */

const LEADS = [
  0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3,
]
const LATE_LEADS = [0xf4, 0xf5, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]

interface Sequence {
  readonly octets: readonly number[]
  /** Whether it is one character; otherwise its last octet is the first that cannot be right. */
  readonly isCharacter: boolean
}

function sequencesFrom(octets: readonly number[]): Sequence[] {
  if (isUtf8ByTheGrammar(octets)) return [{ octets, isCharacter: true }]
  if (!canBeCompleted(octets)) return [{ octets, isCharacter: false }]
  return [0x00, ...BOUNDARY_OCTETS, 0xff].flatMap((next) => sequencesFrom([...octets, next]))
}

const table = [...LEADS, ...LATE_LEADS].map((lead) => ({
  lead,
  name: toHex(Uint8Array.of(lead)),
  all: sequencesFrom([lead]),
}))
const characters = table.flatMap(({ all }) => all.filter(({ isCharacter }) => isCharacter))
const faulty = table.map(({ name, all }) => ({ name, all: all.filter(({ isCharacter }) => !isCharacter) }))

/** Text before and behind the sequence, so that it does not stand alone. */
const BEFORE = new TextEncoder().encode('κόσμε ')
const BEHIND = new TextEncoder().encode(' ok')

let server: WireServer

beforeAll(async () => {
  server = await WireServer.start()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

const text = (payload: Uint8Array, fin = true): Uint8Array => clientFrame({ opcode: 0x1, payload, fin })
const more = (payload: Uint8Array, fin = false): Uint8Array => clientFrame({ opcode: 0x0, payload, fin })
const ping = clientFrame({ opcode: 0x9 })

/** One fragment per octet, a Ping behind each. */
function octetPerFragment(octets: readonly number[]): Uint8Array {
  return concat(
    ...octets.flatMap((octet, i) => [i === 0 ? text(Uint8Array.of(octet), false) : more(Uint8Array.of(octet)), ping]),
  )
}

async function answerTo(...chunks: Uint8Array[]): Promise<string[]> {
  const { bytes, ended } = await exchange(server.port, chunks)
  expect(ended).toBe('end')
  return inWords(bytes)
}

const said = (payload: Uint8Array): string =>
  `text ${JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload))}`

describe('text over TCP', () => {
  it(`comes back when it is valid: ${characters.length} characters at the boundaries, whole, by octets, between words [6455-5.6-1] [6455-8.1-1]`, async () => {
    const payloads = characters.map(({ octets }) => Uint8Array.from(octets))
    const wanted = [...payloads.map(said), 'close 1000 ""']
    const whole = concat(...payloads.map((payload) => text(payload)), clientClose(1000))
    expect(await answerTo(whole)).toEqual(wanted)

    const cut = concat(
      ...payloads.map((payload) =>
        concat(
          text(payload.subarray(0, 1), false),
          ...Array.from(payload.subarray(1), (octet) => more(Uint8Array.of(octet))),
          more(new Uint8Array(0), true),
        ),
      ),
      clientClose(1000),
    )
    expect(await answerTo(cut)).toEqual(wanted)

    const between = payloads.map((payload) => concat(BEFORE, payload, BEHIND))
    expect(await answerTo(concat(...between.map((payload) => text(payload)), clientClose(1000)))).toEqual([
      ...between.map(said),
      'close 1000 ""',
    ])
  })

  it('comes back when it is valid, one octet per write [6455-5.6-1] [6455-5.4-13]', async () => {
    const payloads = characters.filter((_, i) => i % 7 === 0).map(({ octets }) => Uint8Array.from(octets))
    const stream = concat(...payloads.map((payload) => text(payload)), clientClose(1000))
    expect(await answerTo(...Array.from(stream, (octet) => Uint8Array.of(octet)))).toEqual([
      ...payloads.map(said),
      'close 1000 ""',
    ])
  })

  it.each(faulty.filter(({ all }) => all.length > 0))(
    'is refused at the first octet that cannot be right when a character starts with $name [6455-5.6-1] [6455-8.1-1]',
    async ({ all }) => {
      await inParallel(all, async ({ octets }) => {
        const payload = Uint8Array.from(octets)
        const name = toHex(payload)
        const whole = concat(BEFORE, payload, BEHIND)
        const refused = ['close 1007 6455-8.1-1']
        expect({ name, answer: await answerTo(text(whole)) }).toEqual({ name, answer: refused })
        // Inside a frame: nothing follows the faulty octet, and the answer comes all the same.
        const upToFault = text(whole).subarray(0, -BEHIND.length)
        expect({ name, answer: await answerTo(upToFault) }).toEqual({ name, answer: refused })
        // One octet per frame, a Ping behind each: the good ones are answered, the faulty one is refused.
        const pongs = octets.slice(1).map(() => 'pong')
        expect({ name, answer: await answerTo(octetPerFragment(octets)) }).toEqual({
          name,
          answer: [...pongs, ...refused],
        })
      })
    },
  )

  it('is refused when it ends inside a character, and only at its end [6455-5.6-1] [6455-8.1-1]', async () => {
    const beginnings = new Set(
      characters.flatMap(({ octets }) => octets.slice(1).map((_, i) => octets.slice(0, i + 1).join())),
    )
    expect(beginnings.size).toBeGreaterThan(50)
    await inParallel(beginnings, async (joined) => {
      const payload = Uint8Array.from(joined.split(',').map(Number))
      const name = toHex(payload)
      const refused = 'close 1007 6455-8.1-1'
      expect({ name, answer: await answerTo(text(payload)) }).toEqual({ name, answer: [refused] })
      expect({ name, answer: await answerTo(text(payload, false), ping, more(new Uint8Array(0), true)) }).toEqual({
        name,
        answer: ['pong', refused],
      })
    })
  })

  it('is not looked at in binary messages, Pings and Pongs [6455-10.7-5] [6455-5.5.2-1]', async () => {
    const payload = Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0x00)
    const frames = [0x2, 0x9, 0xa].map((opcode) => clientFrame({ opcode, payload }))
    expect(await answerTo(...frames, clientClose(1000))).toEqual([
      'binary ff fe c0 80 00',
      'pong ff fe c0 80 00',
      'close 1000 ""',
    ])
  })
})
