/*
 * One seed of another simulation: a server that takes its time to admit, and clients that do not wait for it.
 *
 * The request is read by the server, or by somebody else who hands it over later, as an application does that has
 * something to ask first. Meanwhile the clients speak, end their side, or are gone; what had happened to a transport before
 * the server got it is for the server to see.
 */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { HandshakeError } from '../../src/errors.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { WebSocket } from '../../src/socket/websocket.ts'
import type { Random } from '../fuzz/mutate.ts'
import { clientText } from '../support/client-frames.ts'
import { settle } from '../support/memory-transport.ts'
import { upgradeRequest } from '../support/raw-socket.ts'
import type { SimulatedClock } from './clock.ts'
import { Gate } from './gate.ts'
import { Invariant, must } from './invariants.ts'
import { SimulatedSocket } from './network.ts'
import type { Note } from './occurrences.ts'

const STEPS = 30
const CLIENTS = 3
/** So many rounds without any movement: nothing will move before time passes. */
const QUIET_ROUNDS = 3
/** More than all timeouts together. */
const AFTERWARDS_MS = 60_000

/** A world for clients and a server. */
export interface AdmissionWorld {
  readonly random: Random
  readonly clock: SimulatedClock
  readonly note: Note
  readonly log: (line: string) => void
}

/** One client, and the socket that the server gets. */
class Client {
  readonly name: string
  readonly ours: SimulatedSocket
  readonly server: SimulatedSocket
  /** What somebody else has read of the request; nothing when the server reads it. */
  #read = Buffer.alloc(0)
  readonly #isReadByServer: boolean
  /** The bytes behind the request, once it is complete and was not handed over. */
  head: Buffer | null = null
  isHandedOver = false
  hasLeft = false
  /** Whether it did not wait: what it said is kept, and nothing more is read before it is admitted. */
  hasSpoken = false
  #answer = ''

  constructor(name: string, isReadByServer: boolean, random: Random) {
    this.name = name
    // What occurs in the network is counted where it goes on for long.
    const [server, client] = SimulatedSocket.pair(random, () => {}, true)
    this.server = server
    this.ours = client
    client.on('error', () => {})
    client.on('data', (chunk: Buffer) => {
      this.#answer += chunk.toString('latin1')
    })
    client.on('end', () => client.end())
    client.write(upgradeRequest(80))
    this.#isReadByServer = isReadByServer
    server.on('error', () => {})
    if (!isReadByServer) server.on('data', this.#readHead)
  }

  /** The status of the answer; 0 before there is one. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3}) .*\r\n\r\n/s.exec(this.#answer)?.[1] ?? 0)
  }

  /** Gives the socket to the server, when there is something to give. */
  handOver(server: WebSocketServer<void>, take: (ws: WebSocket) => void, note: Note): void {
    if (this.isHandedOver || (this.head === null && !this.#isReadByServer)) return
    this.isHandedOver = true
    if (this.hasLeft) note('a client that left before it was handed over')
    if (this.head === null) server.handleSocket(this.server)
    else server.handleUpgrade(requestOf(), this.server, this.head, take)
  }

  /** Says something without waiting for the answer, RFC 6455 §4.1. */
  speak(): void {
    if (!this.ours.writable) return
    this.ours.write(clientText('early'))
    this.hasSpoken = true
  }

  readonly #readHead = (chunk: Buffer): void => {
    const read = Buffer.concat([this.#read, chunk])
    this.#read = read
    const end = read.indexOf('\r\n\r\n')
    if (end < 0) return
    this.head = read.subarray(end + 4)
    this.server.off('data', this.#readHead)
    this.server.pause()
  }
}

/** Runs one seed. @throws InvariantBroken */
export async function simulateAdmission(world: AdmissionWorld): Promise<void> {
  const { random, clock, note, log } = world
  const gate = new Gate()
  const connections: WebSocket[] = []
  const closes = new Map<WebSocket, number>()
  const isSilent = random.below(2) === 0
  const server = new WebSocketServer({
    noServer: true,
    clock,
    origins: 'any',
    handshakeTimeout: 10_000,
    closeTimeout: 5000,
    // Nothing but the transport tells that a peer has gone.
    heartbeat: isSilent ? false : { idleMs: 5000, timeoutMs: 5000 },
    authorize: async () => {
      note('an admission that waits')
      await gate.pass()
      if (random.below(4) === 0) throw new HandshakeError('6455-4.2.2-3', 403, 'not you')
    },
  })
  server.on('connectionError', () => {})
  const take = (ws: WebSocket): void => {
    connections.push(ws)
    ws.on('message', () => {})
    ws.on('error', () => {})
    ws.on('close', () => closes.set(ws, (closes.get(ws) ?? 0) + 1))
  }
  server.on('connection', take)

  const clients = Array.from(
    { length: 1 + random.below(CLIENTS) },
    (_, i) => new Client(`client ${i}`, random.below(2) === 0, random),
  )
  const handOver = (client: Client): void => client.handOver(server, take, note)
  const leave = (client: Client): void => {
    if (client.hasLeft) return
    client.hasLeft = true
    const isPending = client.isHandedOver && client.status === 0
    if (isPending) note('a client that leaves while it is being admitted')
    const how = random.below(3)
    log(`${client.name} leaves by ${['an end', 'a reset', 'destroying its socket'][how]}`)
    if (how === 0) client.ours.end()
    else if (how === 1) client.ours.reset()
    else client.ours.destroy()
  }
  const actions: ReadonlyArray<readonly [weight: number, act: (client: Client) => void]> = [
    [10, ({ ours }) => ours.deliver(1 + random.below(1 << random.below(10)))],
    [6, (client) => client.server.deliver(0)],
    [6, ({ ours }) => ours.acknowledge()],
    [6, (client) => client.server.acknowledge()],
    [5, handOver],
    [3, leave],
    [2, (client) => client.speak()],
    [2, () => gate.letOne()],
    [1, () => clock.advance(random.below(1000))],
  ]
  for (let step = 0; step < STEPS; step++) {
    const client = random.pick(clients)
    let choice = random.below(actions.reduce((sum, [weight]) => sum + weight, 0))
    const [, act] = actions.find(([weight]) => {
      choice -= weight
      return choice < 0
    })!
    act(client)
    await settle()
  }
  // Everybody is handed over, and then gone, with or without an answer; nothing that waits for time may be needed.
  for (const client of clients) {
    await move(clients)
    handOver(client)
  }
  if (random.below(2) === 0) gate.open()
  await move(clients)
  for (const client of clients) leave(client)
  await move(clients)
  const { pending } = server.stats().handshakes
  const unheard = clients.filter(({ hasSpoken }) => hasSpoken).length
  must(pending <= unheard, Invariant.End, () => `${pending} opening handshakes wait for clients that have gone`)
  const open = connections.filter((ws) => ws.readyState === WebSocket.OPEN).length
  must(open === 0, Invariant.End, () => `${open} connections to clients that have gone are OPEN`)

  gate.open()
  for (let passed = 0; passed < AFTERWARDS_MS && clock.pending > 0; passed += 1000) {
    await move(clients)
    clock.advance(1000)
    await settle()
  }
  const stats = server.stats()
  must(stats.connections === 0, Invariant.End, () => `${stats.connections} connections are left`)
  for (const ws of connections) {
    must(closes.get(ws) === 1, Invariant.End, () => `the end of a connection was told ${closes.get(ws) ?? 0} times`)
  }
  const left = clients.filter((client) => client.isHandedOver && !client.server.destroyed)
  must(left.length === 0, Invariant.Retained, () => `${left.length} sockets are left`)
  must(clock.pending === 0, Invariant.Retained, () => `${clock.pending} timers are left`)
  log(`admitted ${connections.length} of ${clients.length}`)
}

function requestOf(): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  const [line = '', ...fields] = upgradeRequest(80).trimEnd().split('\r\n')
  const [method, url] = line.split(' ')
  Object.assign(request, { method, url, httpVersion: '1.1' })
  request.rawHeaders.push(...fields.flatMap((field) => field.split(': ')))
  return request
}

/** The network moves everything until nothing moves any more. */
async function move(clients: readonly Client[]): Promise<void> {
  for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
    quiet += 1
    for (const { ours, server } of clients) {
      const moved = [ours.acknowledge(), server.acknowledge(), ours.deliver(0), server.deliver(0)]
      if (moved.includes(true)) quiet = 0
    }
    await settle()
  }
}
