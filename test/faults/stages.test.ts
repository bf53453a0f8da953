import type { Transform } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import {
  BlackHole,
  bandwidth,
  Latency,
  LimitData,
  SlowClose,
  STAGE_BYTES,
  slicer,
} from '../support/fault-proxy/stage.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** Collects what a stage lets through. */
function collect(stage: Transform): { chunks: string[]; hasEnded: boolean } {
  const seen = { chunks: [] as string[], hasEnded: false }
  stage.on('data', (chunk: Buffer) => seen.chunks.push(chunk.toString('latin1')))
  stage.on('end', () => {
    seen.hasEnded = true
  })
  return seen
}

describe('the stages of the fault proxy', () => {
  it('latency delays every chunk by its time and keeps many on their way', async () => {
    const clock = new FakeClock()
    const stage = new Latency(clock, seededRandom(1), 50, 0)
    const seen = collect(stage)
    stage.write('a')
    clock.advance(30)
    stage.write('b')
    clock.advance(19)
    expect(seen.chunks).toEqual([])
    clock.advance(1)
    await until(() => seen.chunks.length === 1)
    clock.advance(30)
    await until(() => seen.chunks.length === 2)
    expect(seen.chunks).toEqual(['a', 'b'])
  })

  it('latency keeps the order however the jitter falls, and the end comes last', async () => {
    const clock = new FakeClock()
    const stage = new Latency(clock, seededRandom(7), 50, 50)
    const seen = collect(stage)
    const letters = [...'abcdefghijklmnopqrstuvwxyz']
    for (const letter of letters) stage.write(letter)
    stage.end()
    await until(() => {
      clock.advance(10)
      return seen.hasEnded
    })
    expect(seen.chunks.join('')).toBe(letters.join(''))
    expect(clock.pending).toBe(0)
  })

  it('latency holds no more than its bound when nobody reads', async () => {
    const clock = new FakeClock()
    const stage = new Latency(clock, seededRandom(1), 50, 0)
    const chunk = Buffer.alloc(32 << 10)
    let isFull = false
    for (let sent = 0; !isFull; sent++) {
      expect(sent).toBeLessThan(20)
      isFull = !stage.write(chunk)
      if (isFull) {
        // The writer waits; time alone must not make room, for nobody reads.
        clock.advance(1000)
        isFull = stage.writableNeedDrain
      }
    }
    expect(stage.readableLength).toBeLessThanOrEqual(STAGE_BYTES + chunk.length)
    let read = 0
    stage.on('data', (bytes: Buffer) => {
      read += bytes.length
    })
    await until(() => {
      clock.advance(50)
      return !stage.writableNeedDrain
    })
    expect(read).toBeGreaterThanOrEqual(STAGE_BYTES)
    stage.destroy()
  })

  it('bandwidth lets pass what the time allows', async () => {
    const clock = new FakeClock()
    const stage = bandwidth(clock, 100)
    const seen = collect(stage)
    stage.end(Buffer.alloc(100 << 10, 'x'))
    clock.advance(500)
    await until(() => seen.chunks.length > 0)
    const half = seen.chunks.join('').length
    expect(half).toBeGreaterThan(40 << 10)
    expect(half).toBeLessThanOrEqual(50 << 10)
    expect(seen.hasEnded).toBe(false)
    clock.advance(501)
    await until(() => seen.hasEnded)
    expect(seen.chunks.join('').length).toBe(100 << 10)
  })

  it('slicer cuts into pieces of its size and loses nothing', async () => {
    const clock = new FakeClock()
    const stage = slicer(clock, seededRandom(3), 10, 4, 1)
    const seen = collect(stage)
    const text = 'the quick brown fox jumps over the lazy dog'.repeat(10)
    stage.end(text)
    await until(() => {
      clock.advance(1)
      return seen.hasEnded
    })
    expect(seen.chunks.join('')).toBe(text)
    const lengths = seen.chunks.slice(0, -1).map(({ length }) => length)
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(6)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(14)
    expect(new Set(lengths).size).toBeGreaterThan(1)
  })

  it('slow_close delays the end alone', async () => {
    const clock = new FakeClock()
    const stage = new SlowClose(clock, 50)
    const seen = collect(stage)
    stage.end('last words')
    await until(() => seen.chunks.length === 1 && clock.pending === 1)
    clock.advance(49)
    expect(seen.hasEnded).toBe(false)
    clock.advance(1)
    await until(() => seen.hasEnded)
  })

  it('timeout swallows bytes and end, and takes more for ever', async () => {
    const stage = new BlackHole(new FakeClock())
    const seen = collect(stage)
    for (let i = 0; i < 64; i++) stage.write(Buffer.alloc(64 << 10))
    stage.end()
    await until(() => stage.writableLength === 0)
    expect(seen).toEqual({ chunks: [], hasEnded: false })
  })

  it('limit_data lets exactly the limit pass and says so once', async () => {
    let limits = 0
    const stage = new LimitData(new FakeClock(), 5, () => {
      limits += 1
      stage.push(null)
    })
    const seen = collect(stage)
    stage.write('abc')
    stage.write('defg')
    stage.write('hij')
    await until(() => seen.hasEnded)
    expect(seen.chunks.join('')).toBe('abcde')
    expect(limits).toBe(1)
  })

  it.each([
    ['latency', (clock: FakeClock) => new Latency(clock, seededRandom(1), 50, 0)],
    ['bandwidth', (clock: FakeClock) => bandwidth(clock, 1)],
    ['slicer', (clock: FakeClock) => slicer(clock, seededRandom(1), 1, 0, 5)],
  ])('%s leaves no timer when it is destroyed', async (_name, make) => {
    const clock = new FakeClock()
    const stage = make(clock)
    stage.write('bytes that wait')
    await until(() => clock.pending === 1)
    stage.destroy()
    await until(() => clock.pending === 0)
  })
})
