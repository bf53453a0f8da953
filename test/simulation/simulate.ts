/*
 * One seed of the simulation: a server's and a client's connection over a network and a clock that the seed plays.
 *
 * Everything that happens by chance is drawn from the seed: what is sent, how the stream is cut, what is delayed, which
 * callback comes first, when a side pauses, closes, crashes or is cut off. No real I/O and no real time are involved, so
 * a seed runs the same every time.
 */
import { createHash } from 'node:crypto'
import { SlabPool } from '../../src/protocol/output.ts'
import type { CloseInfo } from '../../src/socket/close-info.ts'
import { Heartbeat, type Patient } from '../../src/socket/heartbeat.ts'
import { checkSocketOptions } from '../../src/socket/options.ts'
import type { SocketDriver } from '../../src/socket/socket-driver.ts'
import { attach, startReading, WebSocket } from '../../src/socket/websocket.ts'
import { Random } from '../fuzz/mutate.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { settle } from '../support/memory-transport.ts'
import { SimulatedSocket } from './network.ts'

const MAX_PAYLOAD = 256 << 10
const LONGEST_MESSAGE = 100_000
const STEPS = 60
/** More than all timeouts together: after this, in steps, everybody has ended. */
const AFTERWARDS_MS = 200_000

/** The heartbeat is the one who is shown the driver; this one remembers it. */
class KnowingHeartbeat extends Heartbeat {
  driver: SocketDriver | null = null

  override add(driver: Patient): void {
    this.driver = driver as SocketDriver
    super.add(driver)
  }
}

/** One end: the connection, the application on it, and what both saw. */
class End {
  readonly socket: SimulatedSocket
  readonly ws = new WebSocket(null)
  readonly heartbeat: KnowingHeartbeat
  readonly sent: string[] = []
  readonly received: string[] = []
  readonly ends: CloseInfo[] = []
  /** How many messages had been sent when this end began to close; -1 when it did not. */
  sentBeforeClose = -1
  crashAt = -1

  constructor(role: 'server' | 'client', socket: SimulatedSocket, clock: FakeClock, random: Random) {
    this.socket = socket
    const checked = checkSocketOptions({ clock, maxPayload: MAX_PAYLOAD, maxFramesPerTurn: 20 }, true)
    this.heartbeat = new KnowingHeartbeat(clock, checked.heartbeat)
    const maskingKey = (): number => random.below(2 ** 32)
    attach(this.ws, {
      socket,
      driver: {
        ...checked,
        connection: { ...checked, role, slabPool: new SlabPool(), maskingKey },
        heartbeat: this.heartbeat,
        writesAreCopied: random.below(2) === 0,
      },
      textFormat: checked.textFormat,
      protocol: '',
      extensions: '',
      data: undefined,
      remoteAddress: undefined,
      onError: () => {},
      onClosed: (info) => this.ends.push(info),
    })
    this.ws.on('message', (data) => {
      if (this.received.length === this.crashAt) throw new Error('the handler crashes')
      this.received.push(fingerprint(data as string | Buffer))
    })
    startReading(this.ws, new Uint8Array(0))
  }

  send(random: Random): void {
    if (this.ws.readyState !== WebSocket.OPEN) return
    const length = random.below(4) === 0 ? random.below(LONGEST_MESSAGE) : random.below(200)
    const number = `${this.sent.length}:`
    const data = random.below(2) === 0 ? number + 'é'.repeat(length >> 1) : Buffer.alloc(length + 8, number)
    this.sent.push(fingerprint(data))
    this.ws.send(data)
  }

  close(random: Random): void {
    if (this.ws.readyState === WebSocket.OPEN) this.sentBeforeClose = this.sent.length
    this.ws.close(random.pick([1000, 1001, 3000, 4999]), 'bye')
  }
}

function fingerprint(data: string | Buffer): string {
  const kind = typeof data === 'string' ? 'text' : 'binary'
  return `${kind} ${data.length} ${createHash('sha1').update(data).digest('hex')}`
}

/** What a run came to; the same for the same seed. */
export interface Outcome {
  readonly server: CloseInfo
  readonly client: CloseInfo
  readonly messages: number
}

/** Runs one seed. @throws Error with the invariant that does not hold */
export async function simulate(seed: number): Promise<Outcome> {
  const random = new Random(seed)
  const clock = new FakeClock()
  const sockets = SimulatedSocket.pair()
  const server = new End('server', sockets[0], clock, random)
  const client = new End('client', sockets[1], clock, random)
  const ends = [server, client]
  const mayBreak = random.below(3) === 0
  if (random.below(8) === 0) random.pick(ends).crashAt = random.below(5)

  for (let step = 0; step < STEPS; step++) {
    act(random, ends, clock, mayBreak)
    await settle()
    for (const end of ends) checkLimits(end)
  }
  await finish(random, ends, clock)
  checkEnd(server, client, clock)
  checkMessages(server, client)
  checkMessages(client, server)
  return { server: server.ends[0]!, client: client.ends[0]!, messages: server.received.length + client.received.length }
}

function act(random: Random, ends: readonly End[], clock: FakeClock, mayBreak: boolean): void {
  const end = random.pick(ends)
  const choice = random.below(100)
  if (choice < 30) end.send(random)
  else if (choice < 55) end.socket.deliver(1 + random.below(1 << random.below(18)))
  else if (choice < 70) end.socket.acknowledge()
  else if (choice < 76) end.ws.pause()
  else if (choice < 84) end.ws.resume()
  else if (choice < 88) end.ws.ping(Buffer.alloc(random.below(126)))
  else if (choice < 94) clock.advance(random.below(random.below(10) === 0 ? 30_000 : 500))
  else if (choice < 96) end.close(random)
  else if (mayBreak && choice === 97) end.socket.reset()
  else if (mayBreak && choice === 98) end.ws.terminate()
  else if (mayBreak && choice === 99) end.socket.end()
}

/** The faults are over: the network moves everything, the applications read and close, and time passes. */
async function finish(random: Random, ends: readonly End[], clock: FakeClock): Promise<void> {
  const move = async (): Promise<void> => {
    for (let isMoving = true; isMoving; ) {
      isMoving = false
      for (const end of ends) {
        end.ws.resume()
        end.socket.acknowledge()
        if (end.socket.hasInFlight && !end.socket.peer.destroyed) {
          end.socket.deliver(1 + random.below(1 << 17))
          isMoving = true
        }
      }
      await settle()
    }
  }
  await move()
  random.pick(ends).close(random)
  for (let passed = 0; passed < AFTERWARDS_MS && ends.some((end) => end.ends.length === 0); passed += 1000) {
    await move()
    clock.advance(1000)
    await settle()
  }
}

function checkLimits(end: End): void {
  // A message that is not complete takes at most twice its bytes; a chunk that waits adds itself.
  const { bufferedInput } = end.heartbeat.driver!.connection
  must(bufferedInput <= 3 * MAX_PAYLOAD, `${bufferedInput} bytes are held`)
  must(end.socket.readableLength <= MAX_PAYLOAD, `${end.socket.readableLength} bytes wait in the socket`)
}

function checkEnd(server: End, client: End, clock: FakeClock): void {
  for (const end of [server, client]) {
    must(end.ends.length === 1, `an end was reported ${end.ends.length} times`)
    must(end.ws.readyState === WebSocket.CLOSED, 'a connection is not CLOSED')
    must(end.ws.bufferedAmount === 0, `${end.ws.bufferedAmount} bytes are still buffered`)
    must(end.heartbeat.size === 0, 'the heartbeat still watches')
    must(end.heartbeat.driver!.connection.bufferedInput === 0, 'memory is held after the end')
    must(end.socket.destroyed, 'a socket is left')
  }
  must(clock.pending === 0, `${clock.pending} timers are left`)
  const [ours, theirs] = [server.ends[0]!, client.ends[0]!]
  for (const { cause, requirement } of [ours, theirs]) {
    must(cause !== 'protocol-violation' && cause !== 'limit-exceeded', `one end blames the other for ${requirement}`)
  }
  if (!ours.wasClean || !theirs.wasClean) return
  must(ours.code === theirs.sentCode, `the server saw ${ours.code}, the client sent ${theirs.sentCode}`)
  must(theirs.code === ours.sentCode, `the client saw ${theirs.code}, the server sent ${ours.sentCode}`)
}

/** What arrived is the beginning of what was sent; all of it, when the sender's close was answered. */
function checkMessages(sender: End, receiver: End): void {
  const { received } = receiver
  must(received.length <= sender.sent.length, 'more messages arrived than were sent')
  for (const [i, message] of received.entries()) must(message === sender.sent[i], `message ${i} is another one`)
  const { wasClean, initiator } = sender.ends[0]!
  if (sender.sentBeforeClose < 0 || !wasClean || initiator !== 'local') return
  if (receiver.ends[0]!.initiator !== 'remote') return
  must(received.length === sender.sentBeforeClose, `${received.length} of ${sender.sentBeforeClose} messages arrived`)
}

function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
