import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import type { Extension } from '../../src/extensions/extension.ts'
import type { Role } from '../../src/frames/header.ts'
import { RequestHeadReader } from '../../src/handshake/head-reader.ts'
import { validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { type Annotation, annotate, inflate } from '../../src/inspector/index.ts'
import { SlabPool } from '../../src/protocol/output.ts'
import { ParserPool } from '../../src/protocol/parser-pool.ts'
import { mutatedHead } from '../handshake/arbitraries.ts'
import { octets } from '../handshake/heads.ts'
import { concat } from '../support/chunkings.ts'
import { clientFrame } from '../support/client-frames.ts'
import { Endpoint, readFrames } from '../support/connection-pair.ts'
import { compressed, confirm, serverExtension } from '../support/deflate.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { derailedStream, mutatedStream, type StreamContext } from '../support/frame-arbitraries.ts'
import { toHex } from '../support/hex.ts'

const PARAMETERS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
const TAKEOVER = 'permessage-deflate'

const slabPool = new SlabPool()
const parserPool = new ParserPool()

interface Case {
  readonly role: Role
  readonly extensions: string
  readonly stream: Uint8Array
  readonly maxPayload: number
  readonly maxFragments: number
}

function extensionFor(role: Role, extensions: string): Extension | null {
  if (extensions === '') return null
  const takeover = !extensions.includes('no_context')
  const options = { serverNoContextTakeover: !takeover, clientNoContextTakeover: !takeover, serverMaxWindowBits: 15 }
  return role === 'server' ? serverExtension(extensions, options) : confirm(extensions, options)
}

/** What a connection makes of the stream: its messages, and how it ended. */
function connectionSays({ role, extensions, stream, maxPayload, maxFragments }: Case): string[] {
  const endpoint = new Endpoint(role, {
    ...{ slabPool, parserPool, maxPayload, maxFragments },
    maxFramesPerTurn: Number.POSITIVE_INFINITY,
    extension: extensionFor(role, extensions),
  })
  endpoint.receive(stream)
  while (endpoint.connection.hasRetained) endpoint.connection.readRetained()
  const said = endpoint.listener.take().filter((event) => !/^p[io]ng/.test(event))
  const sent = readFrames(endpoint.takeBytes()).find(({ opcode }) => opcode === 8)
  const [last = ''] = said.slice(-1)
  if (last.startsWith('close ')) said[said.length - 1] = 'close'
  // The code stands in the Close frame that it sent.
  else if (last.startsWith('failed ')) said[said.length - 1] += ` ${codeOf(sent?.payload)}`
  return said
}

function codeOf(payload: Uint8Array | undefined): number {
  if (payload === undefined) throw new Error('no Close frame was sent')
  return payload[0]! * 256 + payload[1]!
}

/** The same out of an annotation: what stands before its `stop`. */
function annotationSays({ messages, units, stop }: Annotation): string[] {
  const read = messages.filter(({ isComplete, frames }) => {
    const last = frames.at(-1)!
    return isComplete && !units[last]!.isUnread && !(stop?.reason === 'violation' && stop.unit === last)
  })
  // A message ends where its last frame stands.
  const said = [...read]
    .sort((a, b) => a.frames.at(-1)! - b.frames.at(-1)!)
    .map(({ opcode, bytes }) => {
      if (bytes === null) return 'not inflated'
      return opcode === 1
        ? `text ${JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))}`
        : `binary ${toHex(bytes)}`.trimEnd()
    })
  if (stop?.reason === 'close') said.push('close')
  else if (stop !== null) said.push(`failed ${stop.verdict!.id} ${stop.verdict!.statusCode}`)
  return said
}

/** Frames of compressed messages: real DEFLATE data, cut into frames, some of it spoiled. */
function compressedStream(role: Role, takesOver: boolean): fc.Arbitrary<Uint8Array> {
  const message = fc.record({
    text: fc.constantFrom('', 'Hello', 'Hello Hello Hello, good bye', 'grüße ☃ 🎉', 'x'.repeat(300)),
    isBinary: fc.boolean(),
    isPlain: fc.boolean(),
    spoil: fc.option(fc.tuple(fc.nat(100), fc.nat(255)), { freq: 4 }),
    invalid: fc.boolean(),
    cuts: fc.array(fc.nat(60), { maxLength: 3 }),
    ping: fc.boolean(),
    lastRsv: fc.constantFrom(0, 0, 0, 0, 4),
  })
  return fc.tuple(fc.array(message, { maxLength: 4 }), fc.nat(40)).map(([messages, cutOff]) => {
    const frames: Uint8Array[] = []
    let window: Uint8Array | undefined
    const frame = (opcode: number, payload: Uint8Array, fin: boolean, rsv: number) => {
      frames.push(clientFrame({ opcode, payload, fin, rsv, ...(role === 'server' ? {} : { maskingKey: null }) }))
    }
    for (const { text, isBinary, isPlain, spoil, invalid, cuts, ping, lastRsv } of messages) {
      const bytes = new TextEncoder().encode(text)
      const plain = invalid ? concat(bytes, Uint8Array.of(0xc3, 0x28)) : bytes
      const payload = isPlain ? plain : compressed(plain, takesOver ? window : undefined)
      if (!isPlain && plain.length > 0) window = concat(window ?? new Uint8Array(0), plain)
      if (spoil !== null && payload.length > 0) payload[spoil[0] % payload.length]! ^= spoil[1]
      const ends = [...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length]
      for (const [i, end] of ends.entries()) {
        const isLast = i === ends.length - 1
        const rsv = i === 0 && !isPlain ? 4 : isLast && i > 0 ? lastRsv : 0
        frame(i === 0 ? (isBinary ? 2 : 1) : 0, payload.subarray(i === 0 ? 0 : ends[i - 1], end), isLast, rsv)
        if (ping && i === 0) frame(9, Uint8Array.of(1), true, 0)
      }
    }
    const stream = concat(...frames)
    return cutOff === 0 && stream.length > 0 ? stream.subarray(0, stream.length - 1) : stream
  })
}

const limits = {
  maxPayload: fc.constantFrom(1 << 20, 200, 10),
  maxFragments: fc.constantFrom(65_536, 3, 1),
}
const role = fc.constantFrom<Role>('server', 'client')

function framesOf(context: StreamContext): fc.Arbitrary<Uint8Array> {
  return fc.oneof(mutatedStream(context), derailedStream(context))
}

const plainCase: fc.Arbitrary<Case> = role.chain((role) =>
  fc.record({
    role: fc.constant(role),
    extensions: fc.constant(''),
    stream: framesOf({ role, rsv1Owned: false }),
    ...limits,
  }),
)

const compressedCase: fc.Arbitrary<Case> = fc
  .tuple(role, fc.constantFrom(PARAMETERS, TAKEOVER))
  .chain(([role, extensions]) =>
    fc.record({
      role: fc.constant(role),
      extensions: fc.constant(extensions),
      stream: compressedStream(role, extensions === TAKEOVER),
      ...limits,
    }),
  )

/** Requirement and status with which a server refuses the request; null when it does not, or waits for more. */
function serverRefuses(bytes: Uint8Array): unknown {
  try {
    const head = new RequestHeadReader().receive(bytes)
    if (head !== null) validateUpgrade(head)
    return null
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return [error.requirement, error.httpStatus]
  }
}

function sameAsConnection(one: Case): void {
  const { role, extensions, stream, maxPayload, maxFragments } = one
  const annotation = annotate(stream, { role, extensions, start: 'frames', maxPayload, maxFragments, inflate })
  expect(annotationSays(annotation)).toEqual(connectionSays({ ...one, stream: stream.slice() }))
}

/** 50,000 streams take a minute or two where there is nothing else to do. */
const LONG_MS = Math.max(FC_TIMEOUT_MS, 1_200_000)

describe('the first violation of an annotation, and the messages before it', () => {
  it('are those of a connection', { timeout: LONG_MS }, () => {
    fc.assert(fc.property(plainCase, sameAsConnection), fcOptions(30_000))
  })

  it('are those of a connection with permessage-deflate', { timeout: LONG_MS }, () => {
    fc.assert(fc.property(compressedCase, sameAsConnection), fcOptions(20_000))
  })

  it('are those of the opening handshake of a server', { timeout: LONG_MS }, () => {
    fc.assert(
      fc.property(mutatedHead, (text) => {
        const bytes = octets(text)
        const { stop } = annotate(bytes, { direction: 'c2s', start: 'head' })
        const seen = stop?.reason === 'handshake' ? [stop.verdict!.id, stop.verdict!.httpStatus] : null
        expect(seen).toEqual(serverRefuses(bytes))
      }),
      fcOptions(20_000),
    )
  })
})
