import { createConnection, type Socket } from 'node:net'

/** What is the same for all connections. */
export interface Plan {
  readonly port: number
  /** The most messages under way on a connection. */
  readonly inflight: number
  /** An HTTP request that is sent first; empty: none. */
  readonly head: Buffer
  /** The bytes of a message, as they are sent. */
  readonly send: Buffer
  /** The bytes of its reply. */
  readonly reply: Buffer
  /** Ends the process. */
  fail(what: string): never
}

/** All sockets are read into it: what a read brings is judged before the next one. */
const input = Buffer.allocUnsafeSlow(65_536)

/** Replies one behind the other, long enough to hold any read that starts anywhere in a reply. */
let replies: Buffer = Buffer.alloc(0)

/** Messages one behind the other. */
let sends: Buffer = Buffer.alloc(0)

/** One connection: sends messages, compares every byte that comes, and says how many replies are complete. */
export class LoadClient {
  /** Resolves when the head of the answer is over, or when there is a connection if no head was sent. */
  readonly opened: Promise<void>
  readonly #plan: Plan
  readonly #socket: Socket
  readonly #onReplies: (client: LoadClient, count: number) => void
  #head = ''
  #isOpen = false
  #markOpened: () => void = () => {}
  /** Position in the bytes of the reply that comes. */
  #at = 0
  readonly #sentAt: bigint[] = []

  /** @param onReplies - called when replies are complete */
  constructor(plan: Plan, onReplies: (client: LoadClient, count: number) => void) {
    this.#plan = plan
    this.#onReplies = onReplies
    if (replies.length === 0 && plan.reply.length > 0) {
      replies = repeat(plan.reply, Math.ceil(input.length / plan.reply.length) + 1)
      sends = repeat(plan.send, plan.inflight)
    }
    this.opened = new Promise((resolve) => {
      this.#markOpened = resolve
    })
    this.#socket = createConnection({
      port: plan.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: input,
        callback: (length) => {
          this.#read(length)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => plan.fail(error.message))
    this.#socket.on('close', () => plan.fail('the server ended a connection'))
    if (plan.head.length > 0) this.#socket.write(plan.head)
    else this.#socket.once('connect', () => this.#open())
  }

  /** Sends so many messages. */
  send(count: number): void {
    const now = process.hrtime.bigint()
    for (let i = 0; i < count; i++) this.#sentAt.push(now)
    this.#socket.write(sends.subarray(0, count * this.#plan.send.length))
  }

  /** Forgets when the oldest messages were sent. @param use - takes for each how long ago that is, in nanoseconds */
  takeLatencies(count: number, use: (ns: bigint) => void): void {
    const now = process.hrtime.bigint()
    for (const sentAt of this.#sentAt.splice(0, count)) use(now - sentAt + 1n)
  }

  /** Reads no more. */
  stall(): void {
    this.#socket.pause()
  }

  /** Ends the connection with a reset. */
  reset(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.resetAndDestroy()
  }

  #open(): void {
    this.#isOpen = true
    this.#markOpened()
  }

  #read(length: number): void {
    const start = this.#isOpen ? 0 : this.#skipHead(length)
    if (start < length) this.#compare(start, length)
  }

  /** @returns where the bytes behind the head of the answer start */
  #skipHead(length: number): number {
    const before = this.#head.length
    this.#head += input.toString('latin1', 0, length)
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return length
    if (!this.#head.startsWith('HTTP/1.1 101')) this.#plan.fail(`the answer is ${this.#head.slice(0, 40)}`)
    this.#head = ''
    this.#open()
    return end + 4 - before
  }

  #compare(start: number, end: number): void {
    const { reply } = this.#plan
    const length = end - start
    if (input.compare(replies, this.#at, this.#at + length, start, end) !== 0) this.#plan.fail('a wrong reply')
    const reached = this.#at + length
    this.#at = reached % reply.length
    const complete = Math.floor(reached / reply.length)
    if (complete > 0) this.#onReplies(this, complete)
  }
}

function repeat(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(Array<Buffer>(times).fill(bytes))
}
