import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Chunking, chunkings } from '../../support/chunkings.ts'
import { readClosePayload, readServerFrame } from '../../support/client-frames.ts'
import { openRawWebSocket, RawSocket, SAMPLE_KEY, StreamEndedError } from '../../support/raw-socket.ts'
import type { Target } from './target.ts'

/** Streams up to this length are also split at every byte and sent byte by byte. */
const SHORT = 48

/** The ways in which a stream is delivered: whole; short ones also byte by byte and split at every byte. */
export function deliveries(bytes: Uint8Array): Chunking[] {
  return bytes.length <= SHORT ? chunkings(bytes) : [{ name: 'whole', chunks: [bytes] }]
}

/** What a server makes of a request. */
export interface Answer {
  readonly status: number
  readonly head: string
  /** How the server ended the stream; undefined behind a 101, where it need not. */
  readonly ended: 'end' | 'reset' | undefined
  /** How many responses came. */
  readonly responses: number
}

/** Sends a request, as it is or in pieces, and reads what comes back: to the end, or to the end of a 101. */
export async function request(port: number, text: string | readonly Uint8Array[]): Promise<Answer> {
  using raw = await RawSocket.connect(port)
  const chunks = typeof text === 'string' ? [Buffer.from(text, 'latin1')] : text
  for (const chunk of chunks) {
    if (raw.ended !== undefined) break
    // The server may have refused already: then the answer says why.
    if ((await raw.offer(chunk)) === 'refused') break
    // Writes that the kernel takes at once would leave nobody time to read.
    if (chunks.length > 1) await turn()
  }
  return await answerOn(raw)
}

/** Reads a response to the end of the stream, or to the end of a 101; fails when neither comes. Status 0 is no response. */
export async function answerOn(raw: RawSocket): Promise<Answer> {
  let text = latin1(await raw.readUntilOrEnd('\r\n\r\n'))
  if (!text.startsWith('HTTP/1.1 101 ')) text += latin1(await raw.readToEnd())
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0),
    head: text,
    ended: raw.ended,
    responses: text.split(/^HTTP\/1\.1 /m).length - 1,
  }
}

/** Fails unless the request is refused with one response of one of these statuses, and the stream ended. */
export async function expectRefused(
  port: number,
  text: string | readonly Uint8Array[],
  name: string,
  statuses: readonly number[] = [400],
): Promise<Answer> {
  const answer = await request(port, text)
  const what = name || JSON.stringify(typeof text === 'string' ? text.slice(0, 80) : '')
  expect(statuses, `status ${answer.status} for ${what}`).toContain(answer.status)
  expect(answer.responses, `responses to ${what}`).toBe(1)
  expect(answer.ended, `the end of the stream after ${what}`).toBeDefined()
  return answer
}

/** As `expectRefused`, with the request whole, split at every octet, and an octet at a time. */
export async function expectRefusedEveryWay(
  { target, port }: { readonly target: Target; readonly port: number },
  text: string,
  name: string,
  statuses: readonly number[] = [400],
): Promise<void> {
  await expectRefusedTwoWays(port, text, name, statuses)
  for (const { cut, status, responses } of await target.answersToEverySplit(port, text)) {
    expect(statuses, `status ${status} for ${name}, ${cut}`).toContain(status)
    expect(responses, `responses to ${name}, ${cut}`).toBe(1)
  }
}

/** As `expectRefused`, with the request whole and an octet at a time. */
export async function expectRefusedTwoWays(
  port: number,
  text: string,
  name: string,
  statuses: readonly number[] = [400],
): Promise<void> {
  await expectRefused(port, text, name, statuses)
  await expectRefused(port, octetByOctet(text), `${name}, an octet at a time`, statuses)
}

/** As `expectRefusedEveryWay`, for a request that is right. */
export async function expectAcceptedEveryWay(
  { target, port }: { readonly target: Target; readonly port: number },
  text: string,
  name: string,
): Promise<void> {
  expect((await request(port, text)).status, name).toBe(101)
  expect((await request(port, octetByOctet(text))).status, `${name}, an octet at a time`).toBe(101)
  for (const { cut, status } of await target.answersToEverySplit(port, text)) {
    expect(status, `status for ${name}, ${cut}`).toBe(101)
  }
}

function octetByOctet(text: string): Uint8Array[] {
  return Array.from(Buffer.from(text, 'latin1'), (octet) => Uint8Array.of(octet))
}

/** Does the work for each item, for some of them at the same time. */
export async function pooled<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

/** The lines of a good request, by name, in their order; `null` for a line that is left out. */
export type Changes = Readonly<Record<string, string | readonly string[] | null>>

/** A good request with some of its lines changed. The key '' is the request line; unknown names are added. */
export function head(changes: Changes = {}): string {
  const lines: Record<string, string | readonly string[] | null> = {
    '': 'GET / HTTP/1.1',
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': SAMPLE_KEY,
    'Sec-WebSocket-Version': '13',
  }
  const all: Array<[string, string]> = []
  for (const [name, value] of [...Object.entries({ ...lines, ...changes })]) {
    for (const one of value === null ? [] : typeof value === 'string' ? [value] : value) all.push([name, one])
  }
  return `${all.map(([name, value]) => (name === '' ? value : `${name}: ${value}`)).join('\r\n')}\r\n\r\n`
}

/** Opens connections and delivers `bytes` in every way; fails unless each ends with one of the close codes. */
export async function expectClosed(
  port: number,
  bytes: Uint8Array,
  codes: readonly number[],
  { name = '', before = 0, offer = [] }: { name?: string; before?: number; offer?: readonly string[] } = {},
): Promise<void> {
  await Promise.all(
    deliveries(bytes).map(async (delivery) => {
      const code = await closeCodeAfter(port, delivery.chunks, before, offer)
      expect(codes, `close code ${code} after ${name} delivered ${delivery.name}`).toContain(code)
    }),
  )
}

/** Sends chunks on a new connection and reads up to the Close frame; 1006 when there is none. */
export async function closeCodeAfter(
  port: number,
  chunks: readonly Uint8Array[],
  skip = 0,
  offer: readonly string[] = [],
): Promise<number> {
  const { raw } = await openRawWebSocket(port, offer)
  using _ = raw
  for (const chunk of chunks) await raw.offer(chunk)
  try {
    for (let i = 0; i < skip; i++) await readServerFrame(raw)
    const frame = await readServerFrame(raw)
    if (frame.opcode !== 0x8) return -frame.opcode
    // The server ends its side; what we would still say is not looked at.
    await raw.readToEnd()
    return readClosePayload(frame.payload).statusCode
  } catch (error) {
    if (error instanceof StreamEndedError) return 1006
    throw error
  }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
