/*
 * Frame parsers of this project and of others behind one interface. Each is called in the leanest way that it has: the
 * parsers of ws and undici are Writable streams, and their `_write` is called without the stream around it.
 */
import { createRequire } from 'node:module'
import type { FrameSink } from '../../src/frames/frame-sink.ts'
import { sharedReadBuffer } from '../../src/frames/mask-memory.ts'
import { FrameParser } from '../../src/frames/parser.ts'
import { Connection } from '../../src/protocol/connection.ts'

const require = createRequire(import.meta.url)

const env: { WS_NO_BUFFER_UTIL?: string } = process.env

const NO_BYTES = new Uint8Array(0)

/** Takes the payload of each message that was read. */
export type OnMessage = (payload: Uint8Array, start: number, end: number) => void

/** A parser under test. */
export interface ParserContender {
  readonly name: string
  /** Whether it reads only what servers send: then it gets the same frames without masks. */
  readonly unmasked?: boolean
  /** Where its sockets read to, when that is one place for all reads; others have a new one for each. */
  readonly readBuffer?: Uint8Array
  /** @returns a function that takes the next chunk of the stream, `length` bytes; the chunk may be overwritten */
  make(onMessage: OnMessage): (chunk: Buffer, length: number) => void
}

/** The parser alone; a fragmented or cut message is counted when it is complete. */
const ours: ParserContender = {
  name: 'framewright',
  readBuffer: sharedReadBuffer(),
  make(onMessage) {
    const parser = new FrameParser(new CountingSink(onMessage), { role: 'server' })
    return (chunk, length) => {
      parser.parse(chunk, 0, length)
    }
  },
}

/** The same on chunks that somebody else has read. */
const oursElsewhere: ParserContender = { name: 'framewright, other memory', make: ours.make }

/** Parser, joining of fragments, limits and the state machine: all that stands between bytes and message. */
const ourConnection: ParserContender = {
  name: 'framewright connection',
  readBuffer: sharedReadBuffer(),
  make(onMessage) {
    const connection = new Connection(
      {
        message: (_isBinary, bytes, start, end) => onMessage(bytes, start, end),
        ping: () => {},
        pong: () => {},
        closeReceived: () => {},
        failed: (violation) => fail(violation.message),
      },
      { role: 'server', autoPong: false, maxFramesPerTurn: Number.POSITIVE_INFINITY },
    )
    return (chunk, length) => connection.receive(chunk, 0, length)
  },
}

class CountingSink implements FrameSink {
  readonly #onMessage: OnMessage
  #bytes: Uint8Array = NO_BYTES

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage
  }

  dataFrame(_opcode: number, fin: boolean, _rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (fin) this.#onMessage(bytes, start, end)
  }

  dataFrameStart(): void {}

  dataFramePayload(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  dataFrameEnd(fin: boolean): void {
    if (fin) this.#onMessage(this.#bytes, 0, 0)
  }

  controlFrame(): void {}

  violation({ message }: { message: string }): void {
    fail(message)
  }
}

function wsParser(name: string, WebSocketReceiver: ReceiverClass): ParserContender {
  return {
    name,
    make(onMessage) {
      const receiver = new WebSocketReceiver({ isServer: true })
      receiver.on('message', (payload: Uint8Array) => onMessage(payload, 0, payload.length))
      receiver.on('ping', () => {})
      return (chunk) => receiver._write(chunk, 'buffer', throwError)
    },
  }
}

const undici: ParserContender = {
  name: 'undici',
  unmasked: true,
  make(onMessage) {
    const { ByteParser } = require('undici/lib/web/websocket/receiver.js') as { ByteParser: ByteParserClass }
    const parser = new ByteParser(
      {
        onMessage: (_type, payload) => onMessage(payload, 0, payload.length),
        onPing: () => {},
        onFail: (_code, reason) => fail(reason),
        readyState: 1,
        closeState: new Set([1]),
        socket: { writableNeedDrain: false, write: () => true },
      },
      null,
    )
    return (chunk) => parser._write(chunk, 'buffer', throwError)
  },
}

const websocketDriver: ParserContender = {
  name: 'websocket-driver',
  make(onMessage) {
    const Hybi = require('websocket-driver/lib/websocket/driver/hybi') as HybiClass
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
    }
    const driver = new Hybi({ method: 'GET', headers }, 'ws://localhost/', { requireMasking: true })
    driver.on('message', ({ data }) =>
      typeof data === 'string' ? onMessage(NO_BYTES, 0, 0) : onMessage(data, 0, data.length),
    )
    driver.on('error', (error) => fail(error.message))
    driver.start()
    return (chunk) => driver.parse(chunk)
  },
}

/** WebSocket-Node: its frame class on its buffer list, and the loop of its connection around them. */
const webSocketNode: ParserContender = {
  name: 'websocket',
  make(onMessage) {
    const WebSocketFrame = require('websocket/lib/WebSocketFrame') as WebSocketFrameClass
    const BufferList = require('websocket/vendor/FastBufferList') as BufferListClass
    const maskBytes = Buffer.allocUnsafe(4)
    const frameHeader = Buffer.allocUnsafe(10)
    const config = { maxReceivedFrameSize: 1 << 30 }
    const list = new BufferList()
    let frame = new WebSocketFrame(maskBytes, frameHeader, config)
    return (chunk) => {
      list.write(chunk)
      while (frame.addData(list)) {
        if (frame.protocolError) fail(frame.dropReason ?? '')
        if (frame.fin && frame.opcode < 8) onMessage(frame.binaryPayload, 0, frame.binaryPayload.length)
        frame = new WebSocketFrame(maskBytes, frameHeader, config)
      }
    }
  },
}

/** What no parser in JavaScript that unmasks can beat: nothing is checked, and a frame that is cut ends the work. */
const tightLoop: ParserContender = {
  name: 'tight loop',
  make(onMessage) {
    return (chunk) => {
      for (let at = 0; at < chunk.length; ) {
        let length = chunk[at + 1]! & 0x7f
        let header = 6
        if (length === 126) {
          length = (chunk[at + 2]! << 8) | chunk[at + 3]!
          header = 8
        } else if (length === 127) {
          length = chunk.readUInt32BE(at + 6)
          header = 14
        }
        const start = at + header
        const end = start + length
        unmask(chunk, start, end)
        onMessage(chunk, start, end)
        at = end
      }
    }
  },
}

let wordsBuffer: ArrayBufferLike | undefined
let words: BigInt64Array<ArrayBufferLike> = new BigInt64Array(0)
const keyBytes = new Uint8Array(8)
const keyWord = new BigInt64Array(keyBytes.buffer)

/** The mask stands in the four bytes before `start`. */
function unmask(bytes: Uint8Array, start: number, end: number): void {
  const k0 = bytes[start - 4]!
  const k1 = bytes[start - 3]!
  const k2 = bytes[start - 2]!
  const k3 = bytes[start - 1]!
  let i = start
  if (end - start >= 40) {
    if (bytes.buffer !== wordsBuffer) {
      wordsBuffer = bytes.buffer
      words = new BigInt64Array(bytes.buffer, 0, bytes.buffer.byteLength >> 3)
    }
    const base = bytes.byteOffset
    const first = (base + start + 7) & ~7
    for (; base + i < first; i++) bytes[i]! ^= bytes[start - 4 + ((i - start) & 3)]!
    for (let b = 0; b < 8; b++) keyBytes[b] = bytes[start - 4 + ((i + b - start) & 3)]!
    const word = keyWord[0]!
    const last = (base + end) >> 3
    let w = first >> 3
    for (; w < last - 3; w += 4) {
      words[w]! ^= word
      words[w + 1]! ^= word
      words[w + 2]! ^= word
      words[w + 3]! ^= word
    }
    for (; w < last; w++) words[w]! ^= word
    for (i = (last << 3) - base; i < end; i++) bytes[i]! ^= bytes[start - 4 + ((i - start) & 3)]!
    return
  }
  for (; i < end - 3; i += 4) {
    bytes[i]! ^= k0
    bytes[i + 1]! ^= k1
    bytes[i + 2]! ^= k2
    bytes[i + 3]! ^= k3
  }
  for (; i < end; i++) bytes[i]! ^= bytes[start - 4 + ((i - start) & 3)]!
}

/** All parsers; loads the peers. */
export function allParsers(): ParserContender[] {
  return [
    ours,
    oursElsewhere,
    ourConnection,
    wsParser('ws', loadReceiver(false)),
    wsParser('ws + bufferutil', loadReceiver(true)),
    undici,
    webSocketNode,
    websocketDriver,
    tightLoop,
  ]
}

/** ws looks for bufferutil when it is loaded, so each kind is loaded as modules of its own. */
function loadReceiver(withBufferUtil: boolean): ReceiverClass {
  for (const path of Object.keys(require.cache)) if (/node_modules[\\/]ws[\\/]/.test(path)) delete require.cache[path]
  if (withBufferUtil) delete env.WS_NO_BUFFER_UTIL
  else env.WS_NO_BUFFER_UTIL = '1'
  const { Receiver } = require('ws') as { Receiver: ReceiverClass }
  delete env.WS_NO_BUFFER_UTIL
  return Receiver
}

function throwError(error?: Error | null): void {
  if (error) throw error
}

function fail(reason: string): never {
  throw new Error(`the parser refused the stream: ${reason}`)
}

type ReceiverClass = new (options: {
  isServer: boolean
}) => {
  on(event: string, listener: (payload: Uint8Array) => void): void
  _write(chunk: Buffer, encoding: string, callback: (error?: Error | null) => void): void
}

type ByteParserClass = new (
  handler: {
    onMessage(type: number, payload: Uint8Array): void
    onPing(): void
    onFail(code: number, reason: string): void
    readyState: number
    closeState: Set<number>
    socket: { writableNeedDrain: boolean; write(): boolean }
  },
  extensions: null,
) => { _write(chunk: Buffer, encoding: string, callback: (error?: Error | null) => void): void }

type HybiClass = new (
  request: { method: string; headers: Record<string, string> },
  url: string,
  options: { requireMasking: boolean },
) => {
  on(event: 'message', listener: (event: { data: string | Buffer }) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  start(): void
  parse(chunk: Buffer): void
}

type BufferListClass = new () => { write(chunk: Buffer): void }

type WebSocketFrameClass = new (
  maskBytes: Buffer,
  frameHeader: Buffer,
  config: { maxReceivedFrameSize: number },
) => {
  readonly fin: boolean
  readonly opcode: number
  readonly protocolError: boolean
  readonly dropReason?: string
  readonly binaryPayload: Buffer
  addData(list: InstanceType<BufferListClass>): boolean
}
