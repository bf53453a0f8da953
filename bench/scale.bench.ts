import { type Bench, type Figure, figureOf, isWanted, type Row } from './support/bench.ts'
import { measure, type Peer } from './support/echo.ts'

const OURS = 'framewright'
const PEERS: readonly Peer[] = [
  { name: OURS, server: 'echo-framewright' },
  { name: 'ws', server: 'echo-ws', env: { WS_NO_BUFFER_UTIL: '1' } },
]
const CONNECTIONS = [1, 64, 1000, 10_000]

/** Whether a message costs more when there are more connections: one is under way on each. */
export const bench: Bench = {
  about: 'processor time per echoed message with 1 to 10,000 connections',
  async run(settings) {
    const rows: Row[] = []
    for (const connections of CONNECTIONS) {
      const cell = `${connections} connections`
      if (!cell.includes(settings.cell)) continue
      settings.progress(cell)
      const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
      const figures: Record<string, Figure> = {}
      for (const { name, rounds } of await measure(settings, peers, { payload: 125, connections, inflight: 1 })) {
        figures[name] = figureOf(rounds.map(({ cpuSeconds, messages }) => (cpuSeconds / messages) * 1e6))
      }
      rows.push({ cell, figures })
    }
    return [{ title: 'Echo of 125 B, one under way on each', unit: 'µs of the server per message', ours: OURS, rows }]
  },
}
