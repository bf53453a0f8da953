import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { serializeFrame } from '../src/frames/serializer.ts'
import {
  type Bench,
  type Figure,
  figureOf,
  isWanted,
  quantile,
  type Row,
  type Settings,
  type Table,
} from './support/bench.ts'
import { asciiPayload, type Load, messageFrames, runLoad, upgradeRequest } from './support/load.ts'
import { type ServerProcess, startServer } from './support/server-process.ts'

const OURS = 'framewright'
const PEERS = [
  { name: OURS, server: 'echo-framewright', env: {} },
  { name: 'ws', server: 'echo-ws', env: { WS_NO_BUFFER_UTIL: '1' } },
]

type Flood = Pick<Load, 'connections' | 'inflight' | 'send' | 'reply'> & { readonly name: string }

const MASKING_KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
const FLOODS: readonly Flood[] = [
  { name: 'nobody', connections: 1, inflight: 1, ...messageFrames(asciiPayload(1), false) },
  { name: 'one with messages of 16 B', connections: 1, inflight: 256, ...messageFrames(asciiPayload(16), false) },
  { name: 'one with messages of 1 MiB', connections: 1, inflight: 8, ...messageFrames(asciiPayload(1 << 20), false) },
  {
    name: 'one with Pings of 32 B',
    connections: 1,
    // As many as ws answers without ending the connection.
    inflight: 48,
    send: serializeFrame({ opcode: 9, payload: asciiPayload(32), maskingKey: MASKING_KEY }),
    reply: serializeFrame({ opcode: 10, payload: asciiPayload(32) }),
  },
  {
    name: 'sixteen with messages of 1 MiB',
    connections: 16,
    inflight: 2,
    ...messageFrames(asciiPayload(1 << 20), false),
  },
]

const PING = serializeFrame({ opcode: 9, payload: Uint8Array.of(1), maskingKey: MASKING_KEY })

/** How long one client waits for its Pongs while others flood the server. */
export const bench: Bench = {
  about: "round trip of one client's Pings while others flood the server",
  async run(settings) {
    const tables: Row[][] = [[], []]
    for (const flood of FLOODS.filter(({ name }) => name.includes(settings.cell))) {
      settings.progress(flood.name)
      const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
      const rounds = peers.map(() => [[], []] as [number[], number[]])
      for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
        for (const [i, peer] of peers.entries()) {
          await using server = await startServer(peer.server, [], peer.env)
          const trips = await roundTripsUnder(settings, flood, server)
          rounds[i]![0].push(quantile(trips, 0.5))
          rounds[i]![1].push(quantile(trips, 0.99))
        }
      }
      for (const [k, rows] of tables.entries()) {
        const figures: Record<string, Figure> = {}
        for (const [i, { name }] of peers.entries()) figures[name] = figureOf(rounds[i]![k]!)
        rows.push({ cell: `flooded by ${flood.name}`, figures })
      }
    }
    return tables.map(
      (rows, k): Table => ({ title: `Ping under flood, p${k === 0 ? 50 : 99}`, unit: 'ms', ours: OURS, rows }),
    )
  },
}

/** @returns milliseconds, ascending */
async function roundTripsUnder(settings: Settings, flood: Flood, server: ServerProcess): Promise<number[]> {
  const seconds = settings.quick ? 1 : 2
  const { name: _, ...load } = flood
  let isOver = false
  const flooding = runLoad({ mode: 'echo', server, seconds, warmup: 0.4, head: upgradeRequest(), ...load }).finally(
    () => {
      isOver = true
    },
  )
  const trips: number[] = []
  const socket = await open(server.port)
  try {
    while (!isOver) trips.push(await roundTrip(socket))
  } finally {
    socket.destroy()
  }
  await flooding
  if (trips.length < 5) throw new Error(`only ${trips.length} Pings were answered`)
  return trips.sort((a, b) => a - b)
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.write(upgradeRequest())
  await once(socket, 'data')
  return socket
}

/** One Ping, and a pause, so that it is the flood that fills the server. */
async function roundTrip(socket: Socket): Promise<number> {
  const sentAt = performance.now()
  socket.write(PING)
  const [pong] = (await once(socket, 'data')) as [Buffer]
  if (pong.toString('hex') !== '8a0101') throw new Error(`no Pong came but ${pong.toString('hex')}`)
  const trip = performance.now() - sentAt
  await new Promise((resolve) => setTimeout(resolve, 2))
  return trip
}
