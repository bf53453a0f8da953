import { type Bench, type Figure, figureOf, isWanted, type Table } from './support/bench.ts'
import { holdConnections, upgradeRequest } from './support/load.ts'
import { startServer } from './support/server-process.ts'

const OURS = 'framewright'

const PEERS = [
  { name: OURS, server: 'echo-framewright', head: upgradeRequest() },
  { name: 'framewright on http', server: 'echo-framewright-http', head: upgradeRequest() },
  { name: 'ws', server: 'echo-ws', head: upgradeRequest() },
  { name: 'net', server: 'echo-net', head: null },
]

interface Memory {
  readonly resident: number
  readonly heap: number
}

/** Memory per idle connection, everything that can be collected being collected. */
export const bench: Bench = {
  about: 'resident memory and heap per idle connection',
  async run(settings) {
    const count = settings.quick ? 4000 : 10_000
    const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
    const rounds = peers.map(() => [] as Memory[])
    for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
      for (const [i, peer] of peers.entries()) {
        settings.progress(peer.name)
        rounds[i]!.push(await perConnection(peer, count))
      }
    }
    const table = (title: string, sizeOf: (memory: Memory) => number): Table => {
      const figures: Record<string, Figure> = {}
      for (const [i, { name }] of peers.entries()) figures[name] = figureOf(rounds[i]!.map(sizeOf))
      return { title, unit: 'KiB each', ours: OURS, rows: [{ cell: `${count} connections`, figures }] }
    }
    return [
      table('Idle connections, resident memory', ({ resident }) => resident),
      table('Idle connections, heap and Buffers', ({ heap }) => heap),
    ]
  },
}

/**
 * Some are opened and closed first: memory that the allocator keeps is no memory of connections.
 *
 * @returns KiB per connection
 */
async function perConnection({ server: file, head }: (typeof PEERS)[number], count: number): Promise<Memory> {
  await using server = await startServer(file)
  {
    await using _warmup = await holdConnections({ server, head, connections: 500 })
    await server.collectGarbage()
  }
  await server.collectGarbage()
  const before = await server.collectGarbage()
  await using _held = await holdConnections({ server, head, connections: count })
  await server.collectGarbage()
  const after = await server.collectGarbage()
  return {
    resident: (after.residentBytes - before.residentBytes) / count / 1024,
    heap: (after.heapBytes - before.heapBytes) / count / 1024,
  }
}
