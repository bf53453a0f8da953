import { describe, expect, it } from 'vitest'
import type { Role } from '../../src/frames/header.ts'
import { FrameParser } from '../../src/frames/parser.ts'
import { violations } from '../../src/frames/violation.ts'
import { type FrameMeter, MeteredSink } from '../../src/protocol/frame-meter.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { RecordingSink } from '../support/recording-sink.ts'

/** Counts, and says no from some count on. */
class Counter implements FrameMeter {
  data = 0
  control = 0
  total = 0
  readonly most: { readonly data?: number; readonly control?: number; readonly bytes?: number }

  constructor(most: Counter['most'] = {}) {
    this.most = most
  }

  dataFrame(): boolean {
    return ++this.data <= (this.most.data ?? Number.POSITIVE_INFINITY)
  }

  controlFrame(): boolean {
    return ++this.control <= (this.most.control ?? Number.POSITIVE_INFINITY)
  }

  bytes(count: number): boolean {
    this.total += count
    return this.total <= (this.most.bytes ?? Number.POSITIVE_INFINITY)
  }
}

function parse(chunks: readonly Uint8Array[], meter: FrameMeter, role: Role = 'server'): RecordingSink {
  const sink = new RecordingSink()
  const parser = new FrameParser(new MeteredSink(sink, meter, role), { role })
  for (const chunk of chunks) parser.parse(chunk, 0, chunk.length)
  return sink
}

const ping = clientFrame({ opcode: 0x9, payload: 'p' })

describe('MeteredSink', () => {
  const stream = concat(
    clientText('abc'),
    clientFrame({ opcode: 0x2, fin: false }),
    ping,
    clientFrame({ opcode: 0x0, fin: false }),
    clientFrame({ opcode: 0x0, payload: new Uint8Array(130) }),
    clientClose(1000),
  )

  for (const { name, chunks } of chunkings(stream)) {
    it(`counts the same, and hands on the same, ${name}`, () => {
      const meter = new Counter()
      const sink = parse(chunks, meter)
      expect(sink.frames.map(({ opcode }) => opcode)).toEqual([1, 2, 9, 0, 0, 8])
      // A Close frame counts as nothing.
      expect(meter).toMatchObject({ data: 4, control: 1, total: stream.length - 8 })
    })
  }

  it('counts no masking-key where frames have none', () => {
    const meter = new Counter()
    const frame = clientFrame({ opcode: 0x2, payload: new Uint8Array(300), maskingKey: null })
    parse([frame], meter, 'client')
    expect(meter.total).toBe(frame.length)
  })

  for (const [what, most, after] of [
    ['data frame', { data: 1 }, clientText('no')],
    ['control frame', { control: 0 }, ping],
    ['byte', { bytes: 7 }, clientText('no')],
  ] as const) {
    for (const { name, chunks } of chunkings(concat(clientText('a'), after, ping, clientText('b'), clientClose()))) {
      it(`hands on nothing from a ${what} on that is one too many, ${name} [6455-10.4-1]`, () => {
        expect(parse(chunks, new Counter(most)).frames.map(({ opcode }) => opcode)).toEqual([1])
      })
    }
  }

  it('stops inside of a frame, and hands on neither its end nor a fault behind it', () => {
    const frame = clientText('x'.repeat(50))
    const fault = clientFrame({ opcode: 0x3 })
    const sink = parse(
      [frame.subarray(0, 16), frame.subarray(16, 30), frame.subarray(30), fault],
      new Counter({ bytes: 20 }),
    )
    expect(sink.frames).toEqual([])
    expect(sink.partial?.payload).toHaveLength(20)
    expect(sink.broken).toBeNull()
  })

  it('hands on a fault', () => {
    expect(parse([clientFrame({ opcode: 0x3 })], new Counter()).broken).toBe(violations.ReservedOpcode)
  })
})
