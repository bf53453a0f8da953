import { setImmediate as turn } from 'node:timers/promises'
import { readServerFrame } from '../../support/client-frames.ts'
import { within } from '../../support/deadline.ts'
import { hex } from '../../support/hex.ts'
import type { RawSocket } from '../../support/raw-socket.ts'

/** The same few octets `count` times. */
export function flood(octets: string, count: number): Uint8Array {
  const frame = hex(octets)
  const bytes = Buffer.alloc(frame.length * count)
  for (let at = 0; at < bytes.length; at += frame.length) bytes.set(frame, at)
  return bytes
}

/** Waits until the target has read everything the peer wrote: it answers the Ping behind it. */
export async function untilRead(raw: RawSocket): Promise<void> {
  await raw.write(hex('89 81 00000000 7a'))
  for (;;) {
    const { opcode, payload } = await readServerFrame(raw)
    if (opcode === 0xa && payload[0] === 0x7a) return
    if (opcode === 0x8) throw new Error('the connection was closed')
  }
}

/** Sends bytes one by one, each in a packet of its own, and gives the server time to read them. */
export async function drip(raw: RawSocket, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < bytes.length; i++) {
    raw.socket.write(bytes.subarray(i, i + 1))
    if (i % 16 === 0) await turn()
  }
  await raw.write(new Uint8Array(0))
}

/** Takes and counts what comes, without keeping it: a function that waits until so many bytes came. */
export function countAnswers(raw: RawSocket): ((bytes: number) => Promise<void>) & { readonly bytes: number } {
  let bytes = 0
  let wake = (): void => {}
  raw.socket.removeAllListeners('data')
  raw.socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    wake()
  })
  const until = async (wanted: number): Promise<void> => {
    while (bytes < wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const answered = (wanted: number): Promise<void> =>
    within(until(wanted), () => `${wanted} bytes of answers; so far ${bytes}`, 30_000)
  return Object.defineProperty(answered, 'bytes', { get: () => bytes }) as typeof answered & { readonly bytes: number }
}
