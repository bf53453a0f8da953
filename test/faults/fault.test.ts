import { describe, expect, it } from 'vitest'
import { parseFault } from '../support/fault-proxy/fault.ts'

describe('parseFault', () => {
  it.each([
    ['latency:50±10', { kind: 'latency', ms: 50, jitterMs: 10 }],
    ['latency:50+-10,both', { kind: 'latency', ms: 50, jitterMs: 10, direction: 'both' }],
    ['latency:5', { kind: 'latency', ms: 5, jitterMs: 0 }],
    ['down', { kind: 'down', ms: 0 }],
    ['down:100,toxicity=0.5', { kind: 'down', ms: 100, toxicity: 0.5 }],
    ['bandwidth:1.5,upstream', { kind: 'bandwidth', kibPerSecond: 1.5, direction: 'upstream' }],
    ['slow_close:20', { kind: 'slow_close', ms: 20 }],
    ['timeout:0,downstream', { kind: 'timeout', ms: 0, direction: 'downstream' }],
    ['reset_peer:7', { kind: 'reset_peer', ms: 7 }],
    ['slicer:10±3/2', { kind: 'slicer', bytes: 10, variation: 3, delayMs: 2 }],
    ['limit_data:99', { kind: 'limit_data', bytes: 99 }],
  ])('reads %s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault)
  })

  it.each([
    ['lag:50', /there is no "lag"; there are latency/],
    ['latency', /write latency:MS/],
    ['latency:-5', /"-5" do not fit/],
    ['bandwidth:0', /0 KiB\/s/],
    ['slicer:0', /at least 1 byte/],
    ['limit_data:0', /at least 1 byte/],
    ['latency:5,sideways', /"sideways" is neither upstream/],
    ['latency:5,toxicity=2', /toxicity=0\.\.1/],
    ['down,upstream', /takes no direction/],
  ])('refuses %s and says why', (text, message) => {
    expect(() => parseFault(text)).toThrow(message)
  })
})
