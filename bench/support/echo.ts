import { fileURLToPath } from 'node:url'
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
  /** The most messages per second, all connections together; default: as many as go. */
  readonly rate?: number
}

/** What each peer did in each round. */
export type Results = ReadonlyArray<{ readonly name: string; readonly rounds: readonly LoadResult[] }>

function startPeer({ server, env, program }: Peer): Promise<ServerProcess> {
  if (program === undefined) return startServer(server, [], env)
  const file = fileURLToPath(new URL(`../servers/${server}.mjs`, import.meta.url))
  return startProgram([...program, file], env)
}

/** Lets the peers echo one after the other, round by round; every byte that comes back is compared. */
export async function measure(settings: Settings, contenders: readonly Peer[], cell: Cell): Promise<Results> {
  const peers = contenders.map((peer) => ({ peer, rounds: [] as LoadResult[] }))
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const { peer, rounds } of peers) rounds.push(await measureRound(settings, peer, cell))
  }
  return peers.map(({ peer, rounds }) => ({ name: peer.name, rounds }))
}

/** Starts a peer and lets it echo once. */
export async function measureRound(settings: Settings, peer: Peer, cell: Cell): Promise<LoadResult> {
  await using server = await startPeer(peer)
  const { send, reply } = messageFrames(asciiPayload(cell.payload), cell.isText === true)
  return await runLoad({
    mode: 'echo',
    server,
    connections: cell.connections,
    inflight: cell.inflight,
    ...(cell.rate !== undefined && { rate: cell.rate }),
    seconds: settings.quick ? 0.5 : 1,
    warmup: settings.quick ? 0.3 : 1,
    head: peer.isRaw ? null : upgradeRequest(),
    send,
    reply: peer.isRaw ? send : reply,
  })
}
