/*
 * Expands `corpus.json` to bytes. It depends on nothing but Node, so that other parsers can be run on the same frames:
 *
 *   import { loadCorpus } from './load.mjs'
 *   for (const stream of loadCorpus()) parse(stream.bytes)
 *
 * A stream is a list of frames, each `times` times, all of it `repeat` times. Payload is made, not stored: `binary` is the low byte of each xorshift32 step
 * (13, 17, 5) from `seed`; `ascii` the same, as 0x20 + byte % 95; `utf8` repeats `text` and cuts it behind a whole
 * character, filled with spaces. `sha256` is that of the whole stream, and is checked.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Stream
 * @property {string} name
 * @property {string} about
 * @property {Uint8Array} bytes - the frames one behind the other, masked as a client masks them
 * @property {number} frames
 * @property {number} messages
 * @property {number} payloadBytes - of data frames
 */

/** @returns {Stream[]} the streams of the corpus, new bytes in each call */
export function loadCorpus() {
  const { streams } = JSON.parse(readFileSync(new URL('./corpus.json', import.meta.url), 'utf8'))
  return streams.map(expand)
}

function expand({ name, about, repeat, frames, sha256 }) {
  const parts = []
  let messages = 0
  let payloadBytes = 0
  for (let i = 0; i < repeat; i++) {
    for (const frame of frames.flatMap((frame) => Array(frame.times ?? 1).fill(frame))) {
      const payload = makePayload(frame.payload, i)
      parts.push(serialize(frame, payload))
      if (frame.opcode < 8) payloadBytes += payload.length
      if (frame.opcode < 8 && frame.fin) messages++
    }
  }
  const bytes = new Uint8Array(Buffer.concat(parts))
  const actual = createHash('sha256').update(bytes).digest('hex')
  if (actual !== sha256) throw new Error(`stream ${name} has sha256 ${actual}, not ${sha256}`)
  return { name, about, bytes, frames: parts.length, messages, payloadBytes }
}

function makePayload({ kind, length, seed, text }, round) {
  const bytes = new Uint8Array(length)
  if (kind === 'utf8') {
    const unit = new TextEncoder().encode(text)
    bytes.fill(0x20)
    for (let at = 0; at + unit.length <= length; at += unit.length) bytes.set(unit, at)
    return bytes
  }
  let state = (seed + round * 0x9e37_79b9) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = kind === 'ascii' ? 0x20 + ((state & 0xff) % 95) : state
  }
  return bytes
}

/** RFC 6455 §5.2. */
function serialize({ fin, opcode, maskingKey }, payload) {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = new DataView(new ArrayBuffer(6 + extended + length))
  frame.setUint8(0, (fin ? 0x80 : 0) | opcode)
  frame.setUint8(1, 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127))
  if (extended === 2) frame.setUint16(2, length)
  if (extended === 8) frame.setBigUint64(2, BigInt(length))
  const key = Buffer.from(maskingKey, 'hex')
  const bytes = new Uint8Array(frame.buffer)
  bytes.set(key, 2 + extended)
  for (let i = 0; i < length; i++) bytes[6 + extended + i] = payload[i] ^ key[i & 3]
  return bytes
}
