import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FrameSink } from '../../src/frames/frame-sink.ts'
import { FrameParser } from '../../src/frames/parser.ts'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { upgradeRequest } from './load.ts'

const MASKING_KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
const END = Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff)
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n'

/** Text of about `length` bytes as an API would send it. */
export function jsonPayload(length: number): Uint8Array {
  let text = '{"type":"update","items":['
  for (let i = 0; text.length < length - 2; i++) {
    text += `{"id":${1000 + i},"name":"user${(i * 7919) % 1000}","ok":${i % 3 === 0},"at":"2026-11-22T10:${i % 60}:00Z"},`
  }
  return new TextEncoder().encode(`${text.slice(0, length - 2)}]}`)
}

/** Clients that send one compressed message again and again, each as soon as it has its reply. */
export class DeflateClients implements AsyncDisposable {
  readonly #sockets: Socket[] = []
  readonly #message: Uint8Array
  readonly #payload: Uint8Array
  /** Replies so far. */
  replies = 0
  /** Bytes of their payloads on the wire. */
  replyBytes = 0
  #isRunning = false
  #wanted = Number.POSITIVE_INFINITY
  #reached: () => void = () => {}

  constructor(payload: Uint8Array) {
    this.#payload = payload
    const deflated = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 12 })
    this.#message = serializeFrame({
      opcode: 1,
      rsv1: true,
      payload: new Uint8Array(deflated.subarray(0, -4)),
      maskingKey: MASKING_KEY,
    })
  }

  /** Connects so many more. @throws when a server does not compress */
  async open(port: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.write(upgradeRequest(OFFER))
      const [head] = (await once(socket, 'data')) as [Buffer]
      if (!head.includes('permessage-deflate')) throw new Error('the server does not compress')
      this.#sockets.push(socket)
      this.#listen(socket)
    }
  }

  /** Lets every client send one message, and resolves when all replies are there. */
  async once(): Promise<void> {
    this.#isRunning = false
    await this.#until(this.#sockets.length)
  }

  /** Sends until so many replies have come. */
  async run(count: number): Promise<void> {
    this.#isRunning = true
    await this.#until(count)
    this.#isRunning = false
    // What is still under way belongs to nobody's figures.
    await new Promise((resolve) => setTimeout(resolve, 100))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
  }

  #until(count: number): Promise<void> {
    this.#wanted = this.replies + count
    const done = new Promise<void>((resolve) => {
      this.#reached = resolve
    })
    for (const socket of this.#sockets) socket.write(this.#message)
    return done
  }

  #listen(socket: Socket): void {
    // Only the first reply can be inflated without what came before.
    let isFirst = true
    const sink: FrameSink = {
      dataFrame: (_opcode, _fin, rsv1, bytes, start, end) => {
        if (!rsv1) throw new Error('a reply is not compressed')
        if (isFirst) this.#check(bytes.subarray(start, end))
        isFirst = false
        this.#replied(socket, end - start)
      },
      dataFrameStart: (_opcode, _fin, _rsv1, payloadLength) => {
        isFirst = false
        this.replyBytes += payloadLength
      },
      dataFramePayload: () => {},
      dataFrameEnd: () => this.#replied(socket, 0),
      controlFrame: () => {},
      violation: ({ message }) => {
        throw new Error(message)
      },
    }
    const parser = new FrameParser(sink, { role: 'client', rsv1Owned: true })
    socket.on('data', (chunk) => parser.parse(chunk))
  }

  #replied(socket: Socket, length: number): void {
    this.replies++
    this.replyBytes += length
    if (this.replies === this.#wanted) this.#reached()
    if (this.#isRunning) socket.write(this.#message)
  }

  #check(reply: Uint8Array): void {
    const inflated = inflateRawSync(Buffer.concat([reply, END]))
    if (Buffer.compare(inflated, this.#payload) !== 0) throw new Error('a reply is not what was sent')
  }
}
