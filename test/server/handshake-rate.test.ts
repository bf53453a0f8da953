import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { HandshakeRate } from '../../src/server/handshake-rate.ts'
import { clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'
import { statusOf, TestServer } from '../support/test-server.ts'

describe('HandshakeRate', () => {
  it('refuses with 429 and says when to come again', () => {
    const clock = new FakeClock()
    const rate = new HandshakeRate({ perSecond: 0.5, burst: 1 }, clock)
    rate.count('192.0.2.1')
    const refusal = (() => {
      try {
        rate.count('192.0.2.1')
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(HandshakeError)
    expect(refusal).toMatchObject({ httpStatus: 429, fields: [['Retry-After', '2']] })
    rate.count('192.0.2.2')
    clock.advance(2000)
    rate.count('192.0.2.1')
  })

  it('says Retry-After in digits, however slow the rate is', () => {
    const rate = new HandshakeRate({ perSecond: Number.MIN_VALUE, burst: 1 }, new FakeClock())
    rate.count('192.0.2.1')
    expect(() => rate.count('192.0.2.1')).toThrow(
      expect.objectContaining({ fields: [['Retry-After', '2147483647']] }) as Error,
    )
  })

  it('remembers 10,000 addresses and no more, those that came last', () => {
    const rate = new HandshakeRate({ perSecond: 1e-6, burst: 1 }, new FakeClock())
    for (let i = 0; i < 100_000; i += 1) rate.count(`address ${i}`)
    expect(rate.size).toBe(10_000)
    expect(() => rate.count('address 99999')).toThrow('too many opening handshakes')
    expect(() => rate.count('address 0')).not.toThrow()
  })

  it('remembers whoever keeps coming when others push out the oldest', () => {
    const rate = new HandshakeRate({ perSecond: 1e-6, burst: 1 }, new FakeClock())
    rate.count('busy')
    for (let i = 0; i < 50_000; i += 1) {
      rate.count(`address ${i}`)
      if (i % 1000 === 0) expect(() => rate.count('busy')).toThrow('too many opening handshakes')
    }
  })

  it('forgets addresses whose buckets are full, a few with each request and without a timer', () => {
    const clock = new FakeClock()
    const rate = new HandshakeRate({ perSecond: 1, burst: 5 }, clock)
    for (let i = 0; i < 1000; i += 1) rate.count(`address ${i}`)
    clock.advance(999)
    rate.count('too early')
    expect(rate.size).toBe(1001)
    clock.advance(1)
    expect(clock.pending).toBe(0)
    rate.count('late')
    expect(rate.size).toBe(994)
    clock.advance(1000)
    for (let i = 0; i < 200; i += 1) {
      rate.count('late')
      clock.advance(1000)
    }
    expect(rate.size).toBe(1)
  })

  it('leaves transports without an address alone', () => {
    const rate = new HandshakeRate({ perSecond: 1, burst: 1 }, new FakeClock())
    for (let i = 0; i < 5; i += 1) rate.count(undefined)
    expect(rate.size).toBe(0)
  })
})

describe('rateLimit.handshakes', () => {
  it('answers 429 with Retry-After, and lets an address in again when its time has come', async () => {
    const clock = new FakeClock()
    await using server = await TestServer.start({ clock, rateLimit: { handshakes: { perSecond: 1, burst: 2 } } })
    for (let i = 0; i < 2; i += 1) (await openRawWebSocket(server.port)).raw.destroy()
    const refusal = await server.refusal()
    expect(statusOf(refusal)).toBe(429)
    expect(refusal).toMatch(/\r\nRetry-After: 1\r\n/)
    clock.advance(1000)
    ;(await openRawWebSocket(server.port)).raw.destroy()
    expect(server.server.stats().handshakes).toMatchObject({ accepted: 3, refused: 1 })
  })

  it('counts the address that a trusted proxy names', async () => {
    await using server = await TestServer.start({
      trustProxy: 1,
      rateLimit: { handshakes: { perSecond: 1e-6, burst: 1 } },
    })
    const from = (address: string) => [`X-Forwarded-For: ${address}`]
    ;(await openRawWebSocket(server.port, from('192.0.2.1'))).raw.destroy()
    expect(statusOf(await server.refusal(from('192.0.2.1')))).toBe(429)
    ;(await openRawWebSocket(server.port, from('192.0.2.2'))).raw.destroy()
  })
})

describe('rateLimit of connections, over TCP', () => {
  it('pauses a flood and answers all of it in order', async () => {
    const rateLimit = { messages: { perSecond: 5000, burst: 50 }, onExceeded: 'pause' } as const
    await using server = await TestServer.start({ rateLimit })
    const { raw, ws } = await server.open()
    const count = 400
    void raw.write(Buffer.concat(Array.from({ length: count }, (_, i) => clientText(String(i)))))
    for (let i = 0; i < count; i += 1) {
      expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe(String(i))
    }
    expect(ws.readyState).toBe(ws.OPEN)
    raw.destroy()
  })

  it('closes a flood of Pings with 1008', async () => {
    await using server = await TestServer.start({ rateLimit: { controlFrames: { perSecond: 1, burst: 10 } } })
    const { raw, ws } = await server.open()
    void raw.write(Buffer.concat(Array.from({ length: 50 }, () => clientFrame({ opcode: 0x9, payload: 'x' }))))
    raw.end()
    expect(await ws.closed).toMatchObject({ sentCode: 1008, cause: 'rate-limit' })
    raw.destroy()
  })
})
