import { describe, expect, it } from 'vitest'
import { judge, type TimedSample } from './verdict.ts'

const nothing = { connections: 0, timers: 0, handles: [], listeners: [] }

/** Ten minutes of samples, `kibPerMinute` more heap in each. */
function samples(kibPerMinute: number): TimedSample[] {
  return Array.from({ length: 60 }, (_, i) => ({
    seconds: 10 * i,
    // Up and down in turn, as collections leave it.
    heapUsed: (40_000 + (kibPerMinute * i) / 6 + (i % 2) * 200) * 1024,
    arrayBuffers: 8 << 20,
    rss: 200 << 20,
    connections: 2000,
    received: 1000 * i,
    sending: 0,
    inFlight: 4 << 20,
    isBurst: i % 4 === 3,
  }))
}

describe('judge', () => {
  it('passes a run without faults, leftovers and rise', () => {
    const { failures, lines } = judge({ samples: samples(0), faults: [], leftovers: nothing })
    expect(failures).toEqual([])
    expect(lines.join('\n')).toMatch(/heap: -?\d+ ± \d+ KiB\/min/)
  })

  it('fails one whose heap rises', () => {
    const { failures } = judge({ samples: samples(500), faults: [], leftovers: nothing })
    expect(failures).toEqual([expect.stringMatching(/^heap rises: 50\d ± /)])
  })

  it('fails one whose buffers hold more than what is in flight explains, even once', () => {
    const held = samples(0).map((sample, i) => (i === 7 ? { ...sample, arrayBuffers: 80 << 20 } : sample))
    const { failures } = judge({ samples: held, faults: [], leftovers: nothing })
    expect(failures).toEqual([
      'buffers hold what nobody needs in 1 of 60 samples: 80.0 MiB with 4.0 MiB in flight after 70 s, of 31.8 MiB allowed',
    ])
    const explained = held.map((sample) => ({ ...sample, inFlight: 40 << 20 }))
    expect(judge({ samples: explained, faults: [], leftovers: nothing }).failures).toEqual([])
  })

  it('reads the slope without the samples of bursts', () => {
    const held = samples(0).map((sample, i) => (sample.isBurst ? { ...sample, heapUsed: i << 20 } : sample))
    expect(judge({ samples: held, faults: [], leftovers: nothing }).failures).toEqual([])
  })

  it('fails one with faults, and names the first', () => {
    const { failures } = judge({ samples: samples(0), faults: ['connection 4, lost', 'more'], leftovers: nothing })
    expect(failures).toEqual(['2 faults, the first: connection 4, lost'])
  })

  it.each([
    [{ connections: 1 }, /1 connections left/],
    [{ timers: 2 }, /2 timers left/],
    [{ handles: ['TCPSocketWrap'] }, /TCPSocketWrap/],
    [{ listeners: ['exit'] }, /exit/],
  ])('fails one that leaves %j', (left, message) => {
    const { failures } = judge({ samples: samples(0), faults: [], leftovers: { ...nothing, ...left } })
    expect(failures).toEqual([expect.stringMatching(message)])
  })
})
