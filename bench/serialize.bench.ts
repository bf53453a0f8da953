import { allSerializers, type SerializerContender } from './peers/serializers.ts'
import type { Bench, Row, Table } from './support/bench.ts'
import { type Contender, compare } from './support/compare.ts'
import { copyPair } from './support/copy-pair.ts'
import { asciiPayload } from './support/load.ts'

const OURS = 'framewright connection'

const LENGTHS = [
  ['16 B', 16],
  ['125 B', 125],
  ['1 KiB', 1024],
  ['16 KiB', 16_384],
  ['64 KiB', 65_536],
  ['1 MiB', 1 << 20],
] as const

/** Makes frames of binary messages and of text: what a server sends, and what a client masks. */
export const bench: Bench = {
  about: 'frames of messages, as a server and as a client sends them',
  async run(settings) {
    const tables: Table[] = []
    for (const role of ['server', 'client'] as const) {
      const rows: Row[] = []
      for (const [name, length] of LENGTHS) {
        for (const isText of [false, true]) {
          const cell = `${name}${isText ? ' text' : ''}`
          if (!`${role} ${cell}`.includes(settings.cell)) continue
          const calls = length > 65_536 ? 4 : 64
          const contenders = allSerializers(role, asciiPayload(length), isText).map((serializer) =>
            contender(serializer, role, asciiPayload(length), isText, calls),
          )
          rows.push(await compare(settings, cell, OURS, calls, [...contenders, memcpy(length, calls)]))
        }
      }
      if (rows.length > 0) tables.push({ title: `Frames of a ${role}`, unit: 'ns per message', ours: OURS, rows })
    }
    return tables
  },
}

function contender(
  { name, serialize }: SerializerContender,
  role: 'server' | 'client',
  payload: Uint8Array,
  isText: boolean,
  calls: number,
): Contender {
  return {
    name,
    prepare() {
      // Twice: what is sent may not depend on what was sent before.
      for (let i = 0; i < 2; i++) {
        check(name, Buffer.concat(serialize()), payload, role === 'client', isText)
      }
      return () => {
        for (let i = 0; i < calls; i++) serialize()
      }
    },
  }
}

/** @throws when it is not the one frame of the message; any masking-key will do, RFC 6455 §5.3 */
function check(name: string, frame: Buffer, payload: Uint8Array, isMasked: boolean, isText: boolean): void {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const header = 2 + extended + (isMasked ? 4 : 0)
  const body = Buffer.from(frame.subarray(header))
  if (isMasked) for (let i = 0; i < body.length; i++) body[i]! ^= frame[header - 4 + (i & 3)]!
  const [byte0, byte1] = frame
  const isRight =
    byte0 === (isText ? 0x81 : 0x82) &&
    byte1 === ((isMasked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127)) &&
    (extended !== 2 || frame.readUInt16BE(2) === length) &&
    (extended !== 8 || frame.readBigUInt64BE(2) === BigInt(length)) &&
    body.equals(payload)
  if (!isRight) throw new Error(`${name} made a wrong frame`)
}

function memcpy(length: number, calls: number): Contender {
  const { source, target } = copyPair(asciiPayload(length))
  return {
    name: 'memcpy',
    prepare: () => () => {
      for (let i = 0; i < calls; i++) target.set(source)
    },
  }
}
