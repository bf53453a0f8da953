import { describe, expect, it } from 'vitest'
import { clientClose, clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

/** TCP sockets that the process holds. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

async function expectNothingLeft(server: TestServer, before: number): Promise<void> {
  const left = () => `the end of ${server.server.clients.size} clients, ${sockets() - before} sockets`
  await until(() => server.server.clients.size === 0 && sockets() <= before, left)
}

async function expectServes(server: TestServer): Promise<void> {
  const { raw } = await openRawWebSocket(server.port)
  await raw.write(clientText('still there'))
  expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('still there')
  raw.destroy()
}

describe('a peer that dies', () => {
  const stages: Record<string, (raw: RawSocket, port: number) => Promise<void>> = {
    'after connect': async () => {},
    'inside the request': (raw, port) => raw.write(upgradeRequest(port).slice(0, 60)),
    'before it reads the answer': (raw, port) => raw.write(upgradeRequest(port)),
    'while it is refused': (raw) => raw.write('POST / HTTP/1.1\r\n\r\n'),
    'right after 101': async (raw, port) => {
      await raw.write(upgradeRequest(port))
      await raw.readUntil('\r\n\r\n')
    },
    'inside a frame': async (raw, port) => {
      await raw.write(upgradeRequest(port))
      await raw.write(clientText('x'.repeat(1000)).subarray(0, 500))
      await raw.readUntil('\r\n\r\n')
    },
    'inside a fragmented message': async (raw, port) => {
      await raw.write(upgradeRequest(port))
      await raw.write(clientFrame({ opcode: 0x1, payload: 'part', fin: false }))
      await raw.readUntil('\r\n\r\n')
    },
    'before it reads the echo': async (raw, port) => {
      await raw.write(upgradeRequest(port))
      await raw.write(clientText('x'.repeat(100_000)))
    },
    'inside the closing handshake': async (raw, port) => {
      await raw.write(upgradeRequest(port))
      await raw.write(clientClose(1000))
      await raw.readUntil('\r\n\r\n')
    },
  }
  for (const [stage, reach] of Object.entries(stages)) {
    for (const how of ['reset', 'end', 'destroy'] as const) {
      it(`leaves nothing behind and hurts nobody: ${how} ${stage}`, async () => {
        await using server = await TestServer.start()
        const before = sockets()
        for (let round = 0; round < 20; round += 1) {
          const raw = await RawSocket.connect(server.port)
          await reach(raw, server.port)
          raw[how]()
          if (how === 'end') {
            // What is left of our side ends with the server's.
            await raw.readToEnd()
            raw.destroy()
          }
        }
        // Accepted after the others, so they are all known by then.
        await expectServes(server)
        await expectNothingLeft(server, before)
      })
    }
  }

  it('while authorize decides aborts the signal, and what authorize returns then is ignored', async () => {
    const decisions: Array<(data: string) => void> = []
    const signals: AbortSignal[] = []
    await using server = await TestServer.start({
      authorize: (_request, { signal }) => {
        signals.push(signal)
        return new Promise<string>((resolve) => decisions.push(resolve))
      },
    })
    let connections = 0
    server.server.on('connection', () => {
      connections += 1
    })
    for (const how of ['reset', 'destroy', 'end'] as const) {
      const raw = await RawSocket.connect(server.port)
      await raw.write(upgradeRequest(server.port))
      await until(() => signals.length > 0)
      const signal = signals.pop()!
      raw[how]()
      await within(aborted(signal), `the signal to be aborted by ${how}`)
      decisions.pop()!('too late')
      await turn()
      raw.destroy()
    }
    expect([connections, server.server.clients.size]).toEqual([0, 0])
  })

  it('inside authorize, by an error in the same tick, crashes nothing', async () => {
    const boom = new Error('broke in authorize')
    await using server = await TestServer.start({
      authorize: async (request) => {
        await null
        request.socket.destroy(boom)
        return 'welcome'
      },
    })
    let connections = 0
    server.server.on('connection', () => {
      connections += 1
    })
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port))
    await raw.readToEnd()
    expect([connections, server.server.clients.size]).toEqual([0, 0])
    expect(server.errors.length).toBeGreaterThan(0)
  })

  it('in the connection listener is told of like any other end', async () => {
    await using server = await TestServer.start()
    server.server.on('connection', (ws) => ws.terminate())
    using raw = await RawSocket.connect(server.port)
    const closed = server.nextConnection().then((ws) => ws.closed)
    await raw.write(upgradeRequest(server.port))
    expect(await within(closed, 'the end')).toMatchObject({ code: 1006, cause: 'terminated' })
    expect(server.server.clients.size).toBe(0)
  })
})

describe('1,000 connections', () => {
  it('open and close with no handle left', async () => {
    const server = await TestServer.start()
    const before = sockets()
    const batch = 100
    for (let opened = 0; opened < 1000; opened += batch) {
      const peers = await Promise.all(Array.from({ length: batch }, () => openRawWebSocket(server.port)))
      expect(server.server.clients.size).toBe(batch)
      await Promise.all(
        peers.map(async ({ raw }) => {
          await raw.write(clientClose(1000))
          await raw.readToEnd()
          raw.end()
        }),
      )
      await until(() => server.server.clients.size === 0)
    }
    await expectNothingLeft(server, before)
    expect(server.errors).toEqual([])
    await server[Symbol.asyncDispose]()
  })

  it('are open at the same time, all of them answered', async () => {
    await using server = await TestServer.start()
    const peers: RawSocket[] = []
    for (let opened = 0; opened < 1000; opened += 100) {
      const batch = await Promise.all(Array.from({ length: 100 }, () => openRawWebSocket(server.port)))
      peers.push(...batch.map(({ raw }) => raw))
    }
    expect(server.server.clients.size).toBe(1000)
    for (const ws of server.server.clients) ws.send('all')
    for (const raw of peers) {
      expect((await readServerFrame(raw)).opcode).toBe(0x1)
      raw.destroy()
    }
    await until(() => server.server.clients.size === 0)
  })
})

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
