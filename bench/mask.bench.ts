import { createRequire } from 'node:module'
import { applyMaskInRange, keyToInteger } from '../src/frames/mask.ts'
import { sharedReadBuffer } from '../src/frames/mask-memory.ts'
import type { Bench, Row } from './support/bench.ts'
import { type Contender, compare } from './support/compare.ts'

const OURS = 'framewright'
const LENGTHS = [16, 40, 64, 125, 256, 1024, 2048, 4096, 16_384, 65_000]
const CALLS = 200
const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

const { unmask } = createRequire(import.meta.url)('bufferutil') as { unmask(bytes: Uint8Array, key: Uint8Array): void }

/** Unmasking in place of ranges that begin at odd places, as payloads do. */
export const bench: Bench = {
  about: 'unmasking in place',
  async run(settings) {
    const rows: Row[] = []
    for (const length of LENGTHS) {
      const cell = `${length} B`
      if (!cell.includes(settings.cell)) continue
      rows.push(
        await compare(settings, cell, OURS, CALLS, [
          contender(OURS, length, sharedReadBuffer(), masking),
          contender('framewright, other memory', length, Buffer.allocUnsafeSlow(70_000), masking),
          contender('byte loop', length, Buffer.allocUnsafeSlow(70_000), byteLoop),
          contender('bufferutil', length, Buffer.allocUnsafeSlow(70_000), native),
          contender('memcpy', length, Buffer.allocUnsafeSlow(70_000), copying(Buffer.allocUnsafeSlow(70_000))),
        ]),
      )
    }
    return [{ title: 'Unmask in place', unit: 'ns', ours: OURS, rows }]
  },
}

type Unmask = (bytes: Uint8Array, start: number, end: number) => void

function contender(name: string, length: number, bytes: Uint8Array, run: Unmask): Contender {
  return {
    name,
    prepare() {
      const expected = bytes.subarray(6, 6 + length).map((octet, i) => octet ^ KEY[i & 3]!)
      run(bytes, 6, 6 + length)
      const isCopy = name === 'memcpy'
      if (!isCopy && Buffer.compare(bytes.subarray(6, 6 + length), expected) !== 0) throw new Error(`${name} is wrong`)
      return () => {
        for (let i = 0; i < CALLS; i++) run(bytes, 6 + (i & 7), 6 + (i & 7) + length)
      }
    },
  }
}

const key = keyToInteger(KEY)
const masking: Unmask = (bytes, start, end) => applyMaskInRange(bytes, start, end, key, 0)

const byteLoop: Unmask = (bytes, start, end) => {
  for (let i = start; i < end; i++) bytes[i]! ^= KEY[(i - start) & 3]!
}

const native: Unmask = (bytes, start, end) => unmask(bytes.subarray(start, end), KEY)

function copying(target: Uint8Array): Unmask {
  return (bytes, start, end) => target.set(bytes.subarray(start, end))
}
