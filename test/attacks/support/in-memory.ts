import type { Duplex } from 'node:stream'
import { memoryPair } from '../../../src/testing/memory-duplex.ts'
import { chunkings } from '../../support/chunkings.ts'
import { clientFrame } from '../../support/client-frames.ts'
import { within } from '../../support/deadline.ts'
import { upgradeRequest } from '../../support/raw-socket.ts'
import type { SplitAnswer } from './protocol.ts'

/** Hands a server a connection. */
export type Take = (socket: Duplex) => void

/** One request after the other: all cuts of many are more opening handshakes than may be under way. */
let previous: Promise<unknown> = Promise.resolve()

/**
 * Sends a request split at every octet, on connections in memory: as many over TCP would take minutes.
 *
 * @returns the answers that differ; one when the cut makes no difference
 */
export async function answersToEverySplit(take: Take, text: string): Promise<SplitAnswer[]> {
  const splits = chunkings(Buffer.from(text, 'latin1')).filter(({ chunks }) => chunks.length === 2)
  const isNext = previous
  const all = isNext.then(() => Promise.all(splits.map(({ name, chunks }) => answerTo(take, name, chunks))))
  previous = Promise.allSettled([all])
  const answers = await all
  const different = new Map(answers.map((answer) => [`${answer.status} ${answer.responses}`, answer]))
  return [...different.values()]
}

async function answerTo(take: Take, cut: string, chunks: readonly Uint8Array[]): Promise<SplitAnswer> {
  const [near, far] = memoryPair()
  let received = ''
  const over = new Promise<void>((resolve) => {
    near.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (received.startsWith('HTTP/1.1 101 ') && received.includes('\r\n\r\n')) resolve()
    })
    near.on('end', resolve)
    near.on('close', resolve)
  })
  // The server may be done before all is said.
  near.on('error', () => {})
  far.on('error', () => {})
  take(far)
  for (const chunk of chunks) near.write(chunk)
  await within(over, () => `an answer to a request ${cut}; so far ${JSON.stringify(received)}`)
  near.destroy()
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1] ?? 0)
  return { cut, status, responses: received.split(/^HTTP\/1\.1 /m).length - 1 }
}

/** Sends a message of so many bytes in chunks of one, and waits for its echo. */
export async function dripMessage(take: Take, bytes: number): Promise<void> {
  const [near, far] = memoryPair()
  let received = 0
  let wake = (): void => {}
  near.on('data', (chunk: Buffer) => {
    received += chunk.length
    wake()
  })
  near.on('end', () => wake())
  const until = async (length: number): Promise<void> => {
    while (received < length) {
      if (near.readableEnded) throw new Error('the server ended a message in chunks of one byte')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  take(far)
  near.write(upgradeRequest(0))
  await until(1)
  received = 0
  // With the key 00000000 the payload is all zero.
  near.write(clientFrame({ opcode: 2, payload: new Uint8Array(bytes), maskingKey: [0, 0, 0, 0] }).subarray(0, 14))
  const byte = Buffer.alloc(1)
  for (let i = 0; i < bytes && !near.readableEnded; i++) {
    if (!near.write(byte)) await new Promise((resolve) => near.once('drain', resolve))
  }
  await until(bytes)
  near.destroy()
}
