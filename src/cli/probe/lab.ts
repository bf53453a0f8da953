import { createHash, randomBytes } from 'node:crypto'
import {
  BINARY,
  CLOSE,
  messagesOf,
  PONG,
  type ReceivedFrame,
  type ReceivedMessage,
  readFrames,
  statusCodeOf,
  TEXT,
} from './frames.ts'
import { Peer, type Target } from './peer.ts'

/** What came back to a request. */
export interface Answer {
  /** 0 when the answer was no HTTP response. */
  readonly status: number
  readonly statusLine: string
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  /** Lines of the head that are no field lines of RFC 9112 §5. */
  readonly malformedLines: readonly string[]
  readonly peer: Peer
  /** Where the frames begin in what the peer received. */
  readonly bodyStart: number
}

/** The values of every field line with this name. */
export function valuesOf({ fields }: Answer, name: string): string[] {
  return fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
}

/** What goes into an opening handshake; null leaves a line out. */
export interface RequestParts {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  readonly host?: string | null
  readonly upgrade?: string | null
  readonly connection?: string | null
  readonly key?: string | null
  readonly webSocketVersion?: string | null
  /** Whole lines, behind the others. */
  readonly more?: readonly string[]
}

/** Frames that are remembered of all sessions. */
const MOST_SEEN = 100_000

/** The things that the checks need of the server under probe, and what was seen in passing. */
export class Lab {
  readonly target: Target
  /** How long the server may take for an answer. */
  readonly patience: number
  /** Every frame of every session: for the rules that hold for all frames of a server. */
  readonly seenFrames: ReceivedFrame[] = []
  /** Whether a text message comes back as it was sent. */
  echoes = false

  constructor(target: Target, patience: number) {
    this.target = target
    this.patience = patience
  }

  /** An opening handshake as a good client sends it, but for what `parts` says. */
  request(parts: RequestParts = {}): string {
    const { method = 'GET', target = this.target.resource, version = 'HTTP/1.1' } = parts
    const field = (name: string, value: string | null | undefined, usual: string): string[] =>
      value === null ? [] : [`${name}: ${value ?? usual}`]
    return [
      `${method} ${target} ${version}`,
      ...field('Host', parts.host, this.target.authority),
      ...field('Upgrade', parts.upgrade, 'websocket'),
      ...field('Connection', parts.connection, 'Upgrade'),
      ...field('Sec-WebSocket-Key', parts.key, randomBytes(16).toString('base64')),
      ...field('Sec-WebSocket-Version', parts.webSocketVersion, '13'),
      ...this.target.fieldLines,
      ...(parts.more ?? []),
      '',
      '',
    ].join('\r\n')
  }

  /** Send a request, whole, and read the head of the answer. */
  async ask(request: string): Promise<Answer> {
    const peer = await Peer.open(this.target, this.patience)
    await peer.write(Buffer.from(request, 'latin1'))
    const head = (): number => peer.received.indexOf('\r\n\r\n')
    await peer.until(() => head() >= 0, this.patience)
    const end = head()
    const bodyStart = end < 0 ? peer.received.length : end + 4
    const [statusLine = '', ...lines] = peer.received.toString('latin1', 0, Math.max(end, 0)).split('\r\n')
    const fields: Array<readonly [string, string]> = []
    const malformedLines: string[] = []
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~\x80-\xff]*?)[\t ]*$/.exec(line) ?? []
      if (name === undefined || value === undefined) malformedLines.push(line)
      else fields.push([name, value])
    }
    const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1] ?? 0)
    return { status, statusLine, fields, malformedLines, peer, bodyStart }
  }

  /** An open connection. @throws Error when the server refuses an ordinary handshake */
  async open(parts: RequestParts = {}): Promise<Session> {
    const answer = await this.ask(this.request(parts))
    if (answer.status !== 101) {
      answer.peer.destroy()
      throw new Error(`the server refused an ordinary opening handshake: ${seenIn(answer)}`)
    }
    return new Session(this, answer)
  }
}

/** One open connection. */
export class Session {
  readonly peer: Peer
  readonly #lab: Lab
  readonly #start: number

  constructor(lab: Lab, { peer, bodyStart }: Answer) {
    this.#lab = lab
    this.peer = peer
    this.#start = bodyStart
  }

  get frames(): ReceivedFrame[] {
    return readFrames(this.peer.received.subarray(this.#start))
  }

  get messages(): ReceivedMessage[] {
    return messagesOf(this.frames)
  }

  get pongs(): Buffer[] {
    return this.frames.filter(({ opcode }) => opcode === PONG).map(({ payload }) => payload)
  }

  get closeFrame(): ReceivedFrame | undefined {
    return this.frames.find(({ opcode }) => opcode === CLOSE)
  }

  /** Whether the server has begun to end the connection. */
  get isOver(): boolean {
    return this.peer.ending !== undefined || this.closeFrame !== undefined
  }

  /** Whether a message with this payload came back. */
  hasEcho(payload: Buffer | string): boolean {
    return this.messages.some((message) => message.payload.equals(Buffer.from(payload)))
  }

  async send(...frames: ReadonlyArray<Buffer | string>): Promise<void> {
    await this.peer.write(Buffer.concat(frames.map((bytes) => Buffer.from(bytes))))
  }

  /** Wait for something; false when it did not come in time or cannot come any more. */
  async until(isDone: () => boolean): Promise<boolean> {
    return await this.peer.until(isDone, this.#lab.patience)
  }

  /** Wait for the end of the server's direction. */
  async untilEnd(): Promise<boolean> {
    return await this.until(() => this.peer.hasEnded)
  }

  /** Let go of it, and remember its frames. */
  done(): void {
    for (const frame of this.frames) {
      if (this.#lab.seenFrames.length < MOST_SEEN) this.#lab.seenFrames.push(frame)
    }
    this.peer.destroy()
  }

  /** What has been seen, in words. */
  describe(): string {
    const { frames } = this
    const words = frames.slice(-3).map(wordsFor)
    if (frames.length > 3) words.unshift(`${frames.length - 3} frames`)
    if (this.peer.ending !== undefined) words.push(`the end of the connection (${this.peer.ending})`)
    return words.length === 0 ? `nothing within ${this.#lab.patience} ms` : words.join(', then ')
  }
}

/** A frame in words. */
function wordsFor(frame: ReceivedFrame): string {
  const { opcode, payload } = frame
  if (opcode === CLOSE) return `a Close with ${statusCodeOf(frame)}`
  if (opcode === TEXT) return `the text ${JSON.stringify(payload.toString().slice(0, 40))}`
  if (opcode === BINARY) return `a binary message of ${payload.length} bytes`
  return opcode === PONG ? `a Pong of ${payload.length} bytes` : `a frame with opcode ${opcode}`
}

/** An answer to a request in words. */
export function seenIn({ statusLine, peer }: Answer): string {
  if (statusLine !== '') return JSON.stringify(statusLine)
  return peer.ending === undefined ? 'no answer' : `no answer, but the end of the connection (${peer.ending})`
}

/** RFC 6455 §4.2.2: what `Sec-WebSocket-Accept` must be for a key. */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}
