import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from '../../src/server/index.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { policyProbes } from '../support/policy-probes.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { echoOn, stop, TestServer } from '../support/test-server.ts'

const ping = (payload: string | Uint8Array): Uint8Array => clientFrame({ opcode: 0x9, payload })

/** Runs `body` and gives what would have crashed the process. */
async function uncaughtDuring(body: () => Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = []
  const note = (error: unknown): unknown => uncaught.push(error)
  const others = process.listeners('uncaughtException')
  const otherRejections = process.listeners('unhandledRejection')
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  process.on('uncaughtException', note).on('unhandledRejection', note)
  try {
    await body()
    await turn()
  } finally {
    process.off('uncaughtException', note).off('unhandledRejection', note)
    for (const listener of others) process.on('uncaughtException', listener)
    for (const listener of otherRejections) process.on('unhandledRejection', listener)
  }
  return uncaught
}

describe('a server without a single handler', () => {
  it('survives every malformed stream, ended and reset, and lets go of every connection', async () => {
    // Without a listener reading stops behind the first message; then it is the heartbeat that finds out who is gone.
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', heartbeat: 50 })
    const { port } = await within(server.listening, 'the server to listen')
    const uncaught = await uncaughtDuring(async () => {
      for (const { bytes } of policyProbes) {
        for (const how of ['end', 'reset'] as const) {
          const raw = await RawSocket.connect(port)
          await raw.offer(bytes(port))
          raw[how]()
          raw.destroy()
        }
      }
      const { raw } = await openRawWebSocket(port)
      raw.destroy()
      await until(() => server.clients.size === 0)
    })
    expect(uncaught).toEqual([])
    await stop(server)
  })

  it(
    'survives any bytes, before and after the opening handshake',
    async () => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      const { port } = await within(server.listening, 'the server to listen')
      const uncaught = await uncaughtDuring(async () => {
        await fc.assert(
          fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 200 }), async (opened, garbage) => {
            using raw = await RawSocket.connect(port)
            if (opened) await raw.write(upgradeRequest(port))
            await raw.offer(garbage)
            raw.end()
            // Bytes may happen to be a message: it waits, and the peer's end behind it, until somebody listens.
            await until(() => {
              for (const ws of server.clients) if (ws.listenerCount('message') === 0) ws.on('message', () => {})
              return raw.ended !== undefined
            })
          }),
          fcOptions(200),
        )
      })
      expect(uncaught).toEqual([])
      await stop(server)
    },
    FC_TIMEOUT_MS,
  )
})

describe('a flood of Pings', () => {
  it('is answered to the last one when the peer reads', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    const count = 5000
    await raw.write(concat(...Array.from({ length: count }, (_, i) => ping(String(i).padStart(5, '0')))))
    const pongs = await raw.read(count * 7)
    for (const i of [0, 1, 999, 1000, 1001, count - 1]) {
      expect(Buffer.from(pongs.subarray(i * 7 + 2, i * 7 + 7)).toString()).toBe(String(i).padStart(5, '0'))
    }
    raw.destroy()
  })

  it('from a peer that does not read stops the reading, takes no memory, and goes on when the peer reads', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    raw.socket.pause()
    const count = 200_000
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => ping(new Uint8Array(125))))
    let written = 0
    let most = 0
    let isStuck = false
    while (written < count && !isStuck) {
      raw.socket.write(batch)
      written += 1000
      // Once nothing moves any more, the server has stopped to read and the kernel's buffers are full.
      for (let idle = 0; raw.socket.writableLength > 0 && idle < 200; idle += 1) {
        most = Math.max(most, ws.bufferedAmount)
        await turn()
        isStuck = idle === 199
      }
    }
    expect(isStuck).toBe(true)
    for (; written < count; written += 1000) raw.socket.write(batch)
    expect(ws.readyState).toBe(ws.OPEN)
    expect(most).toBeLessThan(512 << 10)
    let received = 0
    raw.socket.removeAllListeners('data')
    raw.socket.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    raw.socket.resume()
    await until(
      () => received === count * 127,
      () => `${count} Pongs; ${received / 127} came`,
    )
    raw.destroy()
  })
})

describe('a flood of frames', () => {
  it('does not keep the server from answering another connection', async () => {
    await using server = await TestServer.start()
    const { raw: flooder, ws: flooded } = await server.open()
    const { raw: other, ws: canary } = await server.open()
    const log: string[] = []
    flooded.removeAllListeners('message').on('message', () => log.push('flood'))
    canary.on('message', () => log.push('canary'))
    const flood = Buffer.concat(Array.from({ length: 60_000 }, () => clientFrame({ opcode: 0x2 })))
    flooder.socket.write(flood)
    await until(() => log.length > 0)
    await other.write(clientText('am I alone?'))
    await readServerFrame(other)
    await until(() => log.length === 60_001)
    expect(log.indexOf('canary')).toBeLessThan(59_000)
    flooder.destroy()
    other.destroy()
  })

  it('of 20,000 empty fragments holds no memory', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    const fragments = Array.from({ length: 20_000 }, (_, i) => clientFrame({ opcode: i === 0 ? 0x1 : 0x0, fin: false }))
    await raw.write(concat(...fragments, clientFrame({ opcode: 0x0, payload: 'end' })))
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('end')
    raw.destroy()
  })

  it('of more fragments than maxFragments ends with 1008', async () => {
    await using server = await TestServer.start({ maxFragments: 10 })
    const { raw } = await server.open()
    await raw.write(
      concat(...Array.from({ length: 11 }, (_, i) => clientFrame({ opcode: i === 0 ? 0x1 : 0x0, fin: false }))),
    )
    expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(1008)
    raw.destroy()
  })
})

describe('a slow reader', () => {
  it('makes send say false, and gets everything, in order, with a drain in between', async () => {
    await using server = await TestServer.start({}, false)
    const { raw, ws } = await server.open()
    raw.socket.pause()
    const message = (i: number): Buffer => Buffer.alloc(64 << 10, i % 251)
    let sent = 0
    while (ws.send(message(sent))) {
      sent += 1
      await turn()
    }
    sent += 1
    expect(ws.bufferedAmount).toBeGreaterThanOrEqual(1 << 20)
    const drained = new Promise<void>((resolve) => {
      ws.on('drain', resolve)
    })
    raw.socket.resume()
    await within(drained, 'drain')
    ws.send('behind it')
    for (let i = 0; i < sent; i += 1) {
      const { payload } = await readServerFrame(raw)
      expect(Buffer.compare(payload, message(i)), `message ${i}`).toBe(0)
    }
    expect((await readServerFrame(raw)).opcode).toBe(0x1)
    raw.destroy()
  })
})

describe('the closing handshake', () => {
  for (const [name, bytes, statusCode] of [
    ['1000', clientClose(1000), 1000],
    ['4999 with a reason', clientClose(4999, 'bye'), 4999],
    ['no status code', clientClose(), 1005],
  ] as const) {
    it(`echoes ${name}, ends our half at once, and waits for the peer's [6455-5.5.1-7] [6455-5.5.1-11]`, async () => {
      await using server = await TestServer.start()
      const { raw, ws } = await server.open()
      await raw.write(bytes)
      expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(statusCode)
      expect(await raw.readToEnd()).toHaveLength(0)
      expect(raw.ended).toBe('end')
      expect(ws.readyState).toBe(ws.CLOSING)
      raw.end()
      expect(await within(ws.closed, 'the end')).toMatchObject({
        code: statusCode,
        initiator: 'remote',
        wasClean: true,
      })
    })
  }

  it('ignores data behind the peer’s Close frame, in one write and in the next', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    await raw.write(concat(clientText('before'), clientClose(1000), clientText('late')))
    await raw.write(clientText('later'))
    expect((await readServerFrame(raw)).opcode).toBe(0x1)
    expect((await readServerFrame(raw)).opcode).toBe(0x8)
    expect(await raw.readToEnd()).toHaveLength(0)
    raw.end()
    await within(ws.closed, 'the end')
    expect(seen).toEqual(['before'])
  })

  it('that we begin delivers what the peer sends before its Close frame', async () => {
    await using server = await TestServer.start({}, false)
    const { raw, ws } = await server.open()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    ws.close(1000, 'enough')
    expect(readClosePayload((await readServerFrame(raw)).payload)).toEqual({ statusCode: 1000, reason: 'enough' })
    await raw.write(concat(clientText('on its way'), ping('too'), clientClose(1000)))
    expect((await readServerFrame(raw)).opcode).toBe(0xa)
    expect(await raw.readToEnd()).toHaveLength(0)
    raw.end()
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1000, cause: 'closed-by-us', wasClean: true })
    expect(seen).toEqual(['on its way'])
  })

  it('that both begin at the same time is clean on both sides [6455-5.5.1-14]', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    ws.close(1001)
    await raw.write(clientClose(4000))
    expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(1001)
    expect(await raw.readToEnd()).toHaveLength(0)
    raw.end()
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 4000, sentCode: 1001, wasClean: true })
  })

  it('works when the peer ends its half right behind its Close frame', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    raw.socket.end(clientClose(1000))
    expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(1000)
    await raw.readToEnd()
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1000, wasClean: true })
  })

  it('of a peer that only ends its half: what it asked for is answered, then 1006', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    raw.socket.end(clientText('answer me'))
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('answer me')
    expect(await raw.readToEnd()).toHaveLength(0)
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006, cause: 'transport-ended', wasClean: false })
  })
})

describe('handlers that fail on one connection', () => {
  it('do not touch the others', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await within(server.listening, 'the server to listen')
    const errors: string[] = []
    server.on('connectionError', (error) => errors.push(error.message))
    server.on('connection', (_ws, request) => {
      if (request.url === '/throw') throw new Error('connection threw')
      if (request.url === '/reject') return Promise.reject(new Error('connection rejected')) as unknown as undefined
      return undefined
    })
    echoOn(server)
    const { raw: other } = await openRawWebSocket(port)
    for (const [target, message] of [
      ['/throw', 'connection threw'],
      ['/reject', 'connection rejected'],
    ] as const) {
      using raw = await RawSocket.connect(port)
      await raw.write(upgradeRequest(port, [], target))
      await raw.readUntil('\r\n\r\n')
      const { statusCode, reason } = readClosePayload((await readServerFrame(raw)).payload)
      expect(statusCode).toBe(1011)
      expect(reason).not.toContain(message)
      expect(errors).toContain(message)
    }
    await other.write(clientText('unharmed'))
    expect(Buffer.from((await readServerFrame(other)).payload).toString()).toBe('unharmed')
    other.destroy()
    await stop(server)
  })

  it('are warned of when nobody listens', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await within(server.listening, 'the server to listen')
    const warnings: Array<Error & { detail?: string }> = []
    const note = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', note)
    server.on('connection', (ws) => {
      ws.on('message', () => {
        throw new Error('nobody listens to this')
      })
    })
    const { raw } = await openRawWebSocket(port)
    await raw.write(clientText('hi'))
    await readServerFrame(raw)
    await until(() => warnings.length > 0)
    process.off('warning', note)
    // What is printed: whose code it was, on which connection, and the stack; once.
    expect(warnings).toHaveLength(1)
    const [{ message, detail }] = warnings as [Error & { detail: string }]
    expect(message).toBe(
      `a listener of 'message' failed with Error: nobody listens to this, on the connection of 127.0.0.1 port ${raw.socket.localPort}`,
    )
    expect(detail).toMatch(/^Error: nobody listens to this\n {4}at .*hostile-peers\.test\.ts/)
    raw.destroy()
    await stop(server)
  })
})
