import type { Settings } from './bench.ts'
import { asciiPayload, type LoadResult, messageFrames, runLoad, upgradeRequest } from './load.ts'
import { type ServerProcess, startProgram, startServer } from './server-process.ts'

/** An echo server in a process of its own. */
export interface Peer {
  readonly name: string
  readonly server: string
  readonly env?: Readonly<Record<string, string>>
  /** What runs it, with arguments; default: this Node. */
  readonly program?: readonly string[]
  /** Echoes the bytes of the frames as they are, without a handshake. */
  readonly isRaw?: boolean
}

/** One kind of load. */
export interface Cell {
  readonly payload: number
  readonly connections: number
  readonly inflight: number
  readonly isText?: boolean
}

/** What each peer did in each round. */
export type Results = ReadonlyArray<{ readonly name: string; readonly rounds: readonly LoadResult[] }>

function startPeer({ server, env, program }: Peer): Promise<ServerProcess> {
  if (program === undefined) return startServer(server, [], env)
  const file = new URL(`../servers/${server}.mjs`, import.meta.url).pathname
  return startProgram([...program, file], env)
}

/** Lets the peers echo one after the other, round by round; every byte that comes back is compared. */
export async function measure(settings: Settings, contenders: readonly Peer[], cell: Cell): Promise<Results> {
  const peers = contenders.map((peer) => ({ peer, rounds: [] as LoadResult[] }))
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const { peer, rounds } of peers) {
      await using server = await startPeer(peer)
      rounds.push(await runOne(settings, server, cell, peer.isRaw === true))
    }
  }
  return peers.map(({ peer, rounds }) => ({ name: peer.name, rounds }))
}

function runOne(settings: Settings, server: ServerProcess, cell: Cell, isRaw: boolean): Promise<LoadResult> {
  const { send, reply } = messageFrames(asciiPayload(cell.payload), cell.isText === true)
  return runLoad({
    mode: 'echo',
    port: server.port,
    pid: server.pid,
    connections: cell.connections,
    inflight: cell.inflight,
    seconds: settings.quick ? 0.5 : 1,
    warmup: settings.quick ? 0.3 : 0.5,
    head: isRaw ? null : upgradeRequest(),
    send,
    reply: isRaw ? send : reply,
  })
}
