import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { FIN, headerLength, MASK, writeHeader } from '../src/frames/header.ts'
import { Opcode } from '../src/frames/opcode.ts'
import { type Bench, figureOf, type Row } from './support/bench.ts'
import { upgradeRequest } from './support/load.ts'
import { residentBytes, startServer } from './support/server-process.ts'

const LONG_BYTES = 4 * 2 ** 30
const CHUNK = new Uint8Array(1 << 20)

/** What the rise must not reach: MiB. */
const LIMIT = 32

const CELLS = [
  { name: 'the first message of a server', before: 0 },
  { name: 'after 256 MiB, garbage collected', before: 256 << 20 },
]

/** How far resident memory rises, at the most, while one message passes through a server that reads it in pieces. */
export const bench: Bench = {
  about: 'rise of resident memory while a message of 4 GiB passes through streams()',
  async run(settings) {
    const length = settings.quick ? LONG_BYTES / 4 : LONG_BYTES
    const rows: Row[] = []
    for (const { name, before } of CELLS.filter(({ name }) => name.includes(settings.cell))) {
      const rises: number[] = []
      for (let round = 0; round < (settings.quick ? 1 : 3); round++) {
        rises.push(await riseOf(length, before))
        settings.progress(`${name}: ${rises.at(-1)} MiB`)
      }
      rows.push({ cell: name, figures: { framewright: figureOf(rises) } })
    }
    const title = `A message of ${length / 2 ** 30} GiB in one frame`
    return [{ title, unit: 'MiB of rise', ours: 'framewright', rows }]
  },
}

/** @throws when it rises too far */
async function riseOf(length: number, lengthBefore: number): Promise<number> {
  await using server = await startServer('streams-framewright')
  const socket = connect(server.port, '127.0.0.1')
  socket.write(upgradeRequest())
  await once(socket, 'data')
  if (lengthBefore > 0) {
    await send(socket, lengthBefore, () => {})
    await server.collectGarbage()
  }
  const before = residentBytes(server.pid)
  let most = before
  await send(socket, length, () => {
    most = Math.max(most, residentBytes(server.pid))
  })
  socket.destroy()
  const rise = (most - before) / 2 ** 20
  if (rise > LIMIT) throw new Error(`resident memory rises by ${rise} MiB; at most ${LIMIT} are allowed`)
  return rise
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
