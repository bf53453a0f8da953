/*
 * Makers of frames of this project and of others behind one interface, each called as its own `send` calls it.
 *
 * Text is given as a string. ws hands the string of an unmasked message on to the socket, which encodes it in the write;
 * here it is encoded where the frame is made, for everybody.
 */
import { createRequire } from 'node:module'
import { Sender } from 'ws'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { copyPair } from '../support/copy-pair.ts'

const require = createRequire(import.meta.url)

const KEY = 0x37fa213d
const KEY_BYTES = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

/** A maker of frames under test. */
export interface SerializerContender {
  readonly name: string
  /** @returns the frame of the message, in as many pieces as would be written */
  serialize(): readonly Uint8Array[]
}

type Role = 'server' | 'client'

/** All makers of frames for one message. */
export function allSerializers(role: Role, payload: Uint8Array, isText: boolean): SerializerContender[] {
  const isMasked = role === 'client'
  const text = Buffer.from(payload).toString()
  const binary = Buffer.from(payload)
  const bytes = (): Buffer => (isText ? Buffer.from(text) : binary)
  return [
    ourConnection(role, isText ? text : payload),
    {
      name: 'serializeFrame',
      serialize: () => [
        serializeFrame({ opcode: isText ? 1 : 2, payload: bytes(), maskingKey: isMasked ? KEY_BYTES : null }),
      ],
    },
    ws(isMasked, isText, bytes),
    webSocketNode(isMasked, isText, bytes),
    websocketDriver(isMasked, isText ? text : binary),
    tightLoop(isMasked, isText, text, binary),
  ]
}

/** All that stands between `send` and the write: the checks, the state machine, and the memory that frames share. */
function ourConnection(role: Role, data: string | Uint8Array): SerializerContender {
  const nobody = { message() {}, ping() {}, pong() {}, closeReceived() {}, failed() {} }
  const connection = new Connection(nobody, { role, maskingKey: () => KEY })
  return {
    name: 'framewright connection',
    serialize() {
      connection.sendMessage(data)
      const frame = connection.takeOutput()
      connection.outputWritten(true)
      return frame
    },
  }
}

function ws(isMasked: boolean, isText: boolean, bytes: () => Buffer): SerializerContender {
  return {
    name: 'ws',
    serialize: () =>
      Sender.frame(bytes(), {
        fin: true,
        rsv1: false,
        opcode: isText ? 1 : 2,
        mask: isMasked,
        // Bytes of the caller are not changed; the copy that text was encoded to may be.
        readOnly: !isText,
        generateMask: (mask) => mask.set(KEY_BYTES),
      }),
  }
}

function webSocketNode(isMasked: boolean, isText: boolean, bytes: () => Buffer): SerializerContender {
  const WebSocketFrame = require('websocket/lib/WebSocketFrame') as WebSocketFrameClass
  const maskBytes = Buffer.allocUnsafe(4)
  const frameHeader = Buffer.allocUnsafe(10)
  return {
    name: 'websocket',
    serialize() {
      const frame = new WebSocketFrame(maskBytes, frameHeader, { maxReceivedFrameSize: 1 << 30 })
      frame.fin = true
      frame.mask = isMasked
      frame.opcode = isText ? 1 : 2
      frame.binaryPayload = bytes()
      return [frame.toBuffer()]
    },
  }
}

function websocketDriver(isMasked: boolean, data: string | Buffer): SerializerContender {
  const Hybi = require('websocket-driver/lib/websocket/driver/hybi') as HybiClass
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  }
  const driver = new Hybi({ method: 'GET', headers }, 'ws://localhost/', { masking: isMasked })
  driver.start()
  let pieces: Buffer[] = []
  driver.io.on('data', (bytes) => pieces.push(bytes))
  return {
    name: 'websocket-driver',
    serialize() {
      pieces = []
      driver.frame(data)
      return pieces
    },
  }
}

/** A loop into memory that is there, which checks nothing: what is left is the frame itself. */
function tightLoop(isMasked: boolean, isText: boolean, text: string, payload: Buffer): SerializerContender {
  const { source, target } = copyPair(Buffer.concat([payload, Buffer.alloc(14)]))
  const frame = [target]
  return {
    name: 'tight loop',
    serialize() {
      const { length } = payload
      const at = writeHeader(target, isText ? 0x81 : 0x82, length, isMasked)
      if (isText) target.write(text, at, 'latin1')
      else target.set(source.subarray(0, length), at)
      if (isMasked) mask(target, at, at + length)
      if (frame[0]!.length !== at + length) frame[0] = target.subarray(0, at + length)
      return frame
    },
  }
}

/** @returns where the payload starts */
function writeHeader(target: Buffer, byte0: number, length: number, isMasked: boolean): number {
  const bit = isMasked ? 0x80 : 0
  target[0] = byte0
  let at = 2
  if (length < 126) target[1] = bit | length
  else if (length < 65_536) {
    target[1] = bit | 126
    target[2] = length >> 8
    target[3] = length
    at = 4
  } else {
    target[1] = bit | 127
    target.fill(0, 2, 6)
    target.writeUInt32BE(length, 6)
    at = 10
  }
  if (!isMasked) return at
  target.set(KEY_BYTES, at)
  return at + 4
}

function mask(target: Buffer, start: number, end: number): void {
  let i = start
  for (; i < end - 3; i += 4) {
    target[i]! ^= 0x37
    target[i + 1]! ^= 0xfa
    target[i + 2]! ^= 0x21
    target[i + 3]! ^= 0x3d
  }
  for (; i < end; i++) target[i]! ^= KEY_BYTES[(i - start) & 3]!
}

type WebSocketFrameClass = new (
  maskBytes: Buffer,
  frameHeader: Buffer,
  config: { maxReceivedFrameSize: number },
) => {
  fin: boolean
  mask: boolean
  opcode: number
  binaryPayload: Buffer
  toBuffer(): Buffer
}

type HybiClass = new (
  request: { method: string; headers: Record<string, string> },
  url: string,
  options: { masking: boolean },
) => {
  readonly io: { on(event: 'data', listener: (bytes: Buffer) => void): void }
  start(): void
  frame(data: string | Buffer): boolean
}
