import { Buffer } from 'node:buffer'
import { Sender } from 'ws'
import { serializeFrame } from '../src/frames/serializer.ts'
import { Connection } from '../src/protocol/connection.ts'
import type { ConnectionListener } from '../src/protocol/listener.ts'
import type { Bench, Row, Settings, Table } from './support/bench.ts'
import { type Contender, compare } from './support/compare.ts'
import { asciiPayload } from './support/load.ts'

const OURS = 'framewright connection'
const CALLS = 16

const NOBODY: ConnectionListener = {
  message() {},
  ping() {},
  pong() {},
  closeReceived() {},
  failed() {},
}

/** Makes frames of binary messages and of text: what a server sends, and what a client masks. */
export const bench: Bench = {
  about: 'frames of messages, as a server and as a client sends them',
  async run(settings) {
    return [await table(settings, 'server'), await table(settings, 'client')]
  },
}

async function table(settings: Settings, role: 'server' | 'client'): Promise<Table> {
  const rows: Row[] = []
  for (const [name, length] of [
    ['16 B', 16],
    ['125 B', 125],
    ['1 KiB', 1024],
    ['16 KiB', 16_384],
    ['1 MiB', 1 << 20],
  ] as const) {
    for (const isText of length > 1024 ? [false] : [false, true]) {
      const cell = `${name}${isText ? ' text' : ''}`
      if (!cell.includes(settings.cell)) continue
      rows.push(await compare(settings, cell, OURS, CALLS, contenders(role, length, isText)))
    }
  }
  return { title: `Frames of a ${role}`, unit: 'ns per message', ours: OURS, rows }
}

function contenders(role: 'server' | 'client', length: number, isText: boolean): Contender[] {
  const payload = asciiPayload(length)
  const text = Buffer.from(payload).toString()
  const data = isText ? text : payload
  const opcode = isText ? 1 : 2
  const isMasked = role === 'client'
  const maskingKey = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
  const key = 0x37fa213d
  const expected = Buffer.from(serializeFrame({ opcode, payload, maskingKey: isMasked ? maskingKey : null }))
  const check = (frame: readonly Uint8Array[], name: string): void => {
    if (!expected.equals(Buffer.concat(frame))) throw new Error(`${name}: a wrong frame`)
  }
  /** @param send - makes a frame; what it gives is written by nobody */
  const contender = (name: string, send: () => readonly Uint8Array[]): Contender => ({
    name,
    prepare() {
      check(send(), name)
      return () => {
        for (let i = 0; i < CALLS; i++) send()
      }
    },
  })
  const connection = new Connection(NOBODY, { role, maskingKey: () => key })
  const target = Buffer.alloc(length + 14)
  return [
    contender(OURS, () => {
      connection.sendMessage(data)
      const frame = connection.takeOutput()
      connection.outputWritten(true)
      return frame
    }),
    contender('serializeFrame', () => [
      serializeFrame({
        opcode,
        payload: isText ? Buffer.from(text) : payload,
        maskingKey: isMasked ? maskingKey : null,
      }),
    ]),
    contender('ws', () =>
      // As Sender.send calls it for each message.
      Sender.frame(isText ? Buffer.from(text) : Buffer.from(payload.buffer), {
        fin: true,
        rsv1: false,
        opcode,
        mask: isMasked,
        readOnly: !isText,
        generateMask: (mask: Uint8Array) => mask.set(maskingKey),
      }),
    ),
    {
      name: 'memcpy',
      prepare: () => () => {
        for (let i = 0; i < CALLS; i++) target.set(payload)
      },
    },
  ]
}
