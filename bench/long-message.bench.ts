import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { FIN, headerLength, MASK, writeHeader } from '../src/frames/header.ts'
import { Opcode } from '../src/frames/opcode.ts'
import { type Bench, figureOf } from './support/bench.ts'
import { upgradeRequest } from './support/load.ts'
import { residentBytes, startServer } from './support/server-process.ts'

/** Passes through first: the heap and the allocator take what they take for any traffic. */
const WARMUP_BYTES = 256 << 20
const LONG_BYTES = 4 * 2 ** 30
const CHUNK = new Uint8Array(1 << 20)

/** How far resident memory rises, at the most, while one message passes through a server that reads it in pieces. */
export const bench: Bench = {
  about: 'rise of resident memory while a message of 4 GiB passes through streams()',
  async run(settings) {
    const length = settings.quick ? LONG_BYTES / 4 : LONG_BYTES
    const rises: number[] = []
    for (let round = 0; round < (settings.quick ? 1 : 3); round++) {
      rises.push(await riseOf(length))
      settings.progress(`${rises.at(-1)} MiB`)
    }
    const figures = { framewright: figureOf(rises) }
    const rows = [{ cell: `${length / 2 ** 30} GiB in one frame`, figures }]
    return [{ title: 'Long message', unit: 'MiB of rise', ours: 'framewright', rows }]
  },
}

async function riseOf(length: number): Promise<number> {
  await using server = await startServer('streams-framewright')
  const socket = connect(server.port, '127.0.0.1')
  socket.write(upgradeRequest())
  await once(socket, 'data')
  await send(socket, WARMUP_BYTES, () => {})
  await server.collectGarbage()
  const before = residentBytes(server.pid)
  let most = before
  await send(socket, length, () => {
    most = Math.max(most, residentBytes(server.pid))
  })
  socket.destroy()
  return (most - before) / 2 ** 20
}

/** Sends one binary message of zeros in one frame, masked with the key 0, and waits for the answer. */
async function send(socket: Socket, length: number, look: () => void): Promise<void> {
  const header = new Uint8Array(headerLength(length, true))
  // The key is what the array holds already: 0.
  writeHeader(header, 0, FIN | Opcode.Binary, MASK, length)
  const answered = once(socket, 'data')
  socket.write(header)
  for (let left = length; left > 0; left -= CHUNK.length) {
    if (!socket.write(CHUNK)) await once(socket, 'drain')
    look()
  }
  const [answer] = (await answered) as [Buffer]
  const text = answer.subarray(2).toString()
  if (text !== String(length)) throw new Error(`${length} bytes were sent, ${text} came`)
}
