import { type Bench, type Figure, figureOf, isWanted, type Row, type Settings, type Table } from './support/bench.ts'
import { DeflateClients, jsonPayload } from './support/deflate-clients.ts'
import { type ServerProcess, startServer } from './support/server-process.ts'

const OURS = 'framewright'

const PEERS = [
  { name: OURS, server: 'deflate-framewright' },
  { name: 'ws', server: 'deflate-ws' },
]

/** What both servers are given; `level` is zlib's default for both. */
const MODES = [
  {
    name: 'no takeover, 12 bits',
    options: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: 12,
      zlibDeflateOptions: { memLevel: 5 },
      threshold: 0,
    },
  },
  {
    name: 'takeover, 15 bits',
    options: {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
      zlibDeflateOptions: { memLevel: 8 },
      threshold: 0,
    },
  },
]

const PAYLOADS = [64, 1024, 16_384]
const CONNECTIONS = [1, 500]

/** The most connections that are held; Linux lets a process have some 20,000 sockets when it is asked. */
const HELD = 10_000

interface Round {
  readonly cpuUs: number
  readonly bytes: number
}

/** Echo of compressed JSON, and the memory of idle connections that have compressed. */
export const bench: Bench = {
  about: 'permessage-deflate: processor time of an echo, size of the replies, memory of idle connections',
  async run(settings) {
    const cpu: Row[] = []
    const size: Row[] = []
    for (const mode of MODES) {
      for (const payload of PAYLOADS) {
        for (const connections of CONNECTIONS) {
          const cell = `${mode.name} : ${payload} B : ${connections}`
          if (!cell.includes(settings.cell)) continue
          settings.progress(cell)
          const results = await measureEcho(settings, mode.options, payload, connections)
          cpu.push(rowOf(cell, results, ({ cpuUs }) => cpuUs))
          size.push(rowOf(cell, results, ({ bytes }) => bytes))
        }
      }
    }
    const cells = 'parameters : payload : connections'
    const table = (title: string, unit: string, rows: Row[]): Table => ({ title, unit, ours: OURS, rows })
    return [
      table(`Echo of compressed JSON, processor time of the server, ${cells}`, 'µs per message', cpu),
      table(`Echo of compressed JSON, payload of the replies, ${cells}`, 'bytes', size),
      table('Memory of the server per idle connection after one message of 1 KiB', 'KiB', await measureIdle(settings)),
    ]
  },
}

type Results = ReadonlyArray<{ readonly name: string; readonly rounds: readonly Round[] }>

async function measureEcho(
  settings: Settings,
  options: object,
  payload: number,
  connections: number,
): Promise<Results> {
  const results = contenders(settings).map((peer) => ({ ...peer, rounds: [] as Round[] }))
  const count = Math.round((settings.quick ? 2000 : 20_000) / (payload > 4096 ? 4 : 1))
  // What is measured is compiled code: that takes some thousand messages, for everybody.
  const warmup = Math.round((settings.quick ? 2000 : 10_000) / (payload > 4096 ? 4 : 1))
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const { server: name, rounds } of results) {
      await using server = await startServer(name, [JSON.stringify(options)])
      await using clients = new DeflateClients(jsonPayload(payload))
      await clients.open(server.port, connections)
      await clients.run(Math.max(warmup, connections * 2))
      const { cpuSeconds: before } = await server.figures()
      const [replies, bytes] = [clients.replies, clients.replyBytes]
      await clients.run(count)
      const { cpuSeconds } = await server.figures()
      const messages = clients.replies - replies
      rounds.push({
        cpuUs: ((cpuSeconds - before) / messages) * 1e6,
        bytes: (clients.replyBytes - bytes) / messages,
      })
    }
  }
  return results
}

async function measureIdle(settings: Settings): Promise<Row[]> {
  const rows: Row[] = []
  for (const mode of MODES) {
    for (const allocator of ALLOCATORS) {
      const cell = `idle : ${mode.name} : ${IDLE}${allocator.name}`
      if (!cell.includes(settings.cell)) continue
      const figures: Record<string, Figure> = {}
      for (const { name, server } of contenders(settings)) {
        settings.progress(`${cell} ${name}`)
        figures[name] = figureOf([await idleKiB(server, mode.options, IDLE, allocator.env)])
      }
      rows.push({ cell, figures })
    }
  }
  const held = `idle : the defaults : ${HELD}`
  if (!settings.quick && held.includes(settings.cell)) {
    settings.progress(held)
    rows.push({
      cell: held,
      figures: { [OURS]: figureOf([await idleKiB('deflate-framewright', { threshold: 0 }, HELD)]) },
    })
  }
  return rows
}

/**
 * glibc keeps what was freed between pieces that are in use, unless they are large enough to be mapped by themselves; by
 * default the size for that grows with what a process frees.
 */
const ALLOCATORS = [
  { name: '', env: {} },
  { name: ', MALLOC_MMAP_THRESHOLD_=65536', env: { MALLOC_MMAP_THRESHOLD_: '65536' } },
]

/** Connections that are idle. */
const IDLE = 2000

/** After ten seconds without a message our server forgets what it need not remember. */
const IDLE_MS = 12_000

/** Resident memory for each of so many connections that have sent and received one compressed message. */
async function idleKiB(
  name: string,
  options: object,
  connections: number,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  await using server = await startServer(name, [JSON.stringify(options)], env)
  await using clients = new DeflateClients(jsonPayload(1024))
  // The first connections bring the code and the buffers that all share.
  await clients.open(server.port, 50)
  await clients.run(2000)
  const before = await settledBytes(server)
  await clients.open(server.port, connections)
  await clients.once()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  return ((await settledBytes(server)) - before) / connections / 1024
}

/** Resident memory after the garbage was collected. */
async function settledBytes(server: ServerProcess): Promise<number> {
  await server.collectGarbage()
  // The allocator gives memory back a little later.
  await new Promise((resolve) => setTimeout(resolve, 500))
  return (await server.figures()).residentBytes
}

function contenders(settings: Settings): typeof PEERS {
  return PEERS.filter(({ name }) => isWanted(settings, OURS, name))
}

function rowOf(cell: string, results: Results, value: (round: Round) => number): Row {
  const figures: Record<string, Figure> = {}
  for (const { name, rounds } of results) figures[name] = figureOf(rounds.map(value))
  return { cell, figures }
}
