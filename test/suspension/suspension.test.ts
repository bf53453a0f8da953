import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { acceptKey } from '../../src/handshake/key.ts'
import { Child, ROOT } from '../support/child.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { until } from '../support/deferred.ts'
import { portOf } from '../support/port.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'

/** Longer than every time limit of the cases. */
const AWAY_MS = 2500
const SLOW = 30_000

function start(role: 'server' | 'client', options: object, ...more: string[]): Child {
  const program = ['--import', 'tsx', 'test/suspension/program.ts', role, JSON.stringify(options), ...more]
  return new Child(process.execPath, program, { cwd: ROOT })
}

async function startServer(options: object): Promise<{ child: Child; port: number }> {
  const child = start('server', options)
  const [, port] = await child.printed(/^listening (\d+)$/m, SLOW)
  return { child, port: Number(port) }
}

/** Really stops the process for longer than its time limits; what is done meanwhile lies in the kernel when it goes on. */
async function away(child: Child, meanwhile: () => Promise<unknown> | unknown): Promise<void> {
  child.kill('SIGSTOP')
  const time = new Promise((resolve) => setTimeout(resolve, AWAY_MS))
  await meanwhile()
  await time
  child.kill('SIGCONT')
}

describe.concurrent('a process that was stopped and goes on', () => {
  it('does not take a peer for stalled that had read everything', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ writeStallTimeout: 1500 })
    await using _ = child
    using raw = (await openRawWebSocket(port)).raw
    raw.socket.pause()
    await raw.write(clientText('send 33554432'))
    await child.printed(/^sent and it waits$/m)
    let received = 0
    raw.socket.removeAllListeners('data').on('data', (chunk) => {
      received += chunk.length
    })
    await away(child, () => raw.socket.resume())
    await until(() => received >= 32 << 20 || raw.ended !== undefined, 'all bytes')
    expect([received, raw.ended, child.stdout.includes('closed')]).toEqual([(32 << 20) + 10, undefined, false])
  })

  it('accepts a request whose end came meanwhile', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ handshakeTimeout: 1500 })
    await using _ = child
    using raw = await RawSocket.connect(port)
    const request = upgradeRequest(port)
    await raw.write(request.slice(0, 40))
    // Whoever comes later is served later.
    using later = (await openRawWebSocket(port)).raw
    expect(later.ended).toBeUndefined()
    await away(child, () => raw.write(request.slice(40)))
    expect(Buffer.from(await raw.readUntil('\r\n\r\n')).toString()).toContain(' 101 ')
  })

  it('sees the Close that came meanwhile, and gives its sender the time to end', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ closeTimeout: 1000 })
    await using _ = child
    using raw = (await openRawWebSocket(port)).raw
    await raw.write(clientText('close'))
    await raw.read(4)
    await away(child, () => raw.write(clientClose(1000)))
    await raw.readToEnd()
    raw.end()
    expect((await child.printed(/^closed (.*)$/m))[1]).toBe('1000 closed-by-us')
  })

  it('takes a Pong that came meanwhile for life', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ heartbeat: { idleMs: 50, timeoutMs: 1000 } })
    await using _ = child
    using raw = (await openRawWebSocket(port)).raw
    await raw.read(2)
    await away(child, () => raw.write(clientFrame({ opcode: 10, payload: '' })))
    await raw.write(clientText('there?'))
    await raw.readUntil('there?')
    expect(child.stdout).not.toContain('closed')
  })

  it('opens a client whose answer came meanwhile', { timeout: 2 * SLOW }, async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const url = `ws://127.0.0.1:${portOf(listening)}`
    const asked = once(listening, 'connection') as Promise<[Socket]>
    const child = start('client', { handshakeTimeout: 2000 }, url)
    await using _ = child
    const [socket] = await within(asked, 'the client', SLOW)
    try {
      socket.on('error', () => {})
      const [request] = (await within(once(socket, 'data'), 'the request')) as [Buffer]
      await away(child, () => socket.write(switching(request.toString('latin1'))))
      await child.printed(/^open$/m)
      expect(child.stdout).not.toContain('error')
    } finally {
      socket.destroy()
      listening.close()
    }
  })

  it('counts a client that answered a shutdown meanwhile as closed', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ closeTimeout: 60_000 })
    await using _ = child
    using raw = (await openRawWebSocket(port)).raw
    await raw.write(clientText('shutdown 1000'))
    await raw.read(4)
    await away(child, async () => {
      await raw.write(clientClose(1001))
      raw.end()
    })
    const [, report] = await child.printed(/^shutdown (.*)$/m)
    expect(JSON.parse(report!)).toEqual({ closed: 1, terminated: 0 })
  })
})

describe.concurrent('a process whose event loop was blocked', () => {
  it('sees the Close that came meanwhile', { timeout: 2 * SLOW }, async () => {
    const { child, port } = await startServer({ closeTimeout: 1000 })
    await using _ = child
    using closing = (await openRawWebSocket(port)).raw
    using blocking = (await openRawWebSocket(port)).raw
    await closing.write(clientText('close'))
    await closing.read(4)
    await blocking.write(clientText('block 2500'))
    await closing.write(clientClose(1000))
    await closing.readToEnd()
    closing.end()
    expect((await child.printed(/^closed (.*)$/m))[1]).toBe('1000 closed-by-us')
  })
})

/** The response of a server that agrees to `request`. */
function switching(request: string): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)![1]!
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
    '',
    '',
  ].join('\r\n')
}
