import { type Bench, type Figure, figureOf, isWanted } from './support/bench.ts'
import { holdConnections, upgradeRequest } from './support/load.ts'
import { residentBytes, startServer } from './support/server-process.ts'

const OURS = 'framewright'

const PEERS = [
  { name: OURS, server: 'echo-framewright', head: upgradeRequest() },
  { name: 'framewright on http', server: 'echo-framewright-http', head: upgradeRequest() },
  { name: 'ws', server: 'echo-ws', head: upgradeRequest() },
  { name: 'net', server: 'echo-net', head: null },
]

/** Resident memory per idle connection, everything that can be collected being collected. */
export const bench: Bench = {
  about: 'resident memory per idle connection',
  async run(settings) {
    const count = settings.quick ? 4000 : 10_000
    const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
    const rounds = peers.map(() => [] as number[])
    for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
      for (const [i, peer] of peers.entries()) {
        settings.progress(peer.name)
        rounds[i]!.push(await perConnection(peer, count))
      }
    }
    const figures: Record<string, Figure> = {}
    for (const [i, { name }] of peers.entries()) figures[name] = figureOf(rounds[i]!)
    return [{ title: 'Idle connections', unit: 'KiB each', ours: OURS, rows: [{ cell: `${count}`, figures }] }]
  },
}

/** Some are opened and closed first: memory that the allocator keeps is no memory of connections. */
async function perConnection({ server: file, head }: (typeof PEERS)[number], count: number): Promise<number> {
  await using server = await startServer(file)
  const load = { port: server.port, pid: server.pid, head }
  {
    await using _warmup = await holdConnections({ ...load, connections: 500 })
    await server.collectGarbage()
  }
  await server.collectGarbage()
  const before = residentBytes(server.pid)
  await using _held = await holdConnections({ ...load, connections: count })
  await server.collectGarbage()
  return (residentBytes(server.pid) - before) / count / 1024
}
