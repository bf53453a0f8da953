/*
 * Programs that show what a server sends must not hold more than they can show: the terminal is slow, gone, or the server
 * sends without end.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { converse } from '../../src/cli/connect/session.ts'
import { printableLine } from '../../src/cli/connect/show.ts'
import { probe } from '../../src/cli/probe/run.ts'
import { parseProbeArguments } from '../../src/cli/probe.ts'
import { acceptKey } from '../../src/handshake/key.ts'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { Child, cliArguments } from '../support/child.ts'
import { within } from '../support/deadline.ts'

const BIDI = '\u202egnp.exe\u2066'

async function serve(onConnection: (ws: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(async () => void (await server.shutdown({ graceMs: 0 })))
  server.on('connection', onConnection)
  const { port } = await server.listening
  return `ws://127.0.0.1:${port}`
}

/** A terminal that shows nothing until it is told to. */
class SlowTerminal extends Writable {
  text = ''
  #shown: (() => void) | null = null
  #isHeld = true

  constructor() {
    super({ highWaterMark: 1024 })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    if (this.#isHeld) this.#shown = done
    else done()
  }

  show(): void {
    this.#isHeld = false
    this.#shown?.()
  }
}

describe('framewright connect before a terminal that is slow', () => {
  it('reads no more than is shown, and loses nothing', async () => {
    const url = await serve((ws) => {
      for (let i = 0; i < 1000; i++) ws.send(`${i} ${'x'.repeat(1000)}`)
      ws.close(1000)
    })
    const ws = new WebSocket(url)
    const output = new SlowTerminal()
    const input = new PassThrough()
    const over = converse(ws, { input, output, showsFrames: true, waits: true })
    let taken = 0
    const isStopped = new Promise<void>((resolve) => {
      ws.on('message', () => {
        taken++
        if (ws.isPaused) resolve()
      })
    })
    await within(isStopped, 'the reading to stop')
    expect(taken).toBeLessThan(100)
    output.show()
    await within(over, 'the end of the conversation')
    const shown = output.text.split('\n').flatMap((line) => /^<- (\d+) x/.exec(line)?.[1] ?? [])
    expect(shown).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)))
  })

  it.each([['text'], ['ping']] as const)('holds no more of a flood of %s', async (kind) => {
    const url = await serve((ws) => {
      for (let i = 0; i < 20_000; i++) {
        if (kind === 'text') ws.send('x'.repeat(100))
        else ws.ping('x'.repeat(100))
      }
    })
    const ws = new WebSocket(url)
    const output = new SlowTerminal()
    const over = converse(ws, { input: new PassThrough(), output, showsFrames: true, waits: true })
    const isStopped = new Promise<void>((resolve) => {
      ws.on(kind === 'text' ? 'message' : 'ping', () => {
        if (ws.isPaused) resolve()
      })
    })
    await within(isStopped, 'the reading to stop')
    // What one read brought, 64 KiB, may be shown in longer lines; the flood is 2 MB.
    expect(output.writableLength).toBeLessThan(256 << 10)
    ws.terminate()
    await expect(over).rejects.toThrow('terminated')
  })
})

describe('framewright connect whose output nobody reads', () => {
  it('ends without a stack, and says goodbye to the server', async () => {
    let close: (code: number) => void
    const closed = new Promise<number>((resolve) => {
      close = resolve
    })
    const url = await serve((ws) => {
      ws.on('close', close)
      const more = (): void => {
        while (ws.readyState === ws.OPEN && ws.send('line')) {}
        if (ws.readyState === ws.OPEN) ws.once('drain', more)
      }
      more()
    })
    const child = new Child(process.execPath, cliArguments('connect', url))
    onTestFinished(() => child.kill('SIGKILL'))
    // As `| head -1` does.
    child.process.stdout!.once('data', () => child.process.stdout!.destroy())
    expect(await within(closed, 'the Close frame', 60_000)).toBe(1001)
    expect(await child.ended(60_000)).toMatchObject({ code: 0, stderr: '' })
  })

  it('shows the URL without its password', async () => {
    const url = await serve((ws) => ws.close(1000))
    const output = new SlowTerminal()
    output.show()
    const ws = new WebSocket(url.replace('//', '//ada:secret@'))
    await within(converse(ws, { input: new PassThrough(), output, showsFrames: true, waits: true }), 'the end')
    expect(output.text).toContain('-- connected to ws://ada:***@127.0.0.1')
    expect(output.text).not.toContain('secret')
  })
})

describe('framewright probe', () => {
  it('takes a bounded amount from a server that sends without end', async () => {
    const sockets: Socket[] = []
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.once('data', (request) => {
        const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request.toString('latin1'))?.[1] ?? ''
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
        )
        // Empty Pings: most frames for the bytes. More than what is taken and the buffers on the way.
        const flood = Buffer.alloc(64 << 10, '8900', 'hex')
        let left = 400
        const more = (): void => {
          while (left > 0 && !socket.destroyed) {
            left--
            if (!socket.write(flood)) break
          }
          if (left > 0 && !socket.destroyed) socket.once('drain', more)
        }
        more()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const options = parseProbeArguments(['--timeout', '500', '--only', '6455-5.5', `ws://127.0.0.1:${port}`])
    if (options === 'help') throw new Error('no help was asked for')
    const { target, patience, only } = options
    const isWanted = (id: string): boolean => only.some((start) => id.startsWith(start))
    const verdicts = await within(probe({ target, patience, isWanted }), 'the verdicts', 60_000)
    for (const socket of sockets) socket.destroy()
    expect(verdicts.some(({ verdict }) => verdict === 'not met')).toBe(true)
    expect(verdicts.flatMap(({ details }) => details).join('\n')).toContain('the end of the connection (flood)')
    // 512 KiB are taken of each connection; the kernel has its buffers besides.
    const most = Math.max(...sockets.map(({ bytesWritten, writableLength }) => bytesWritten - writableLength))
    expect(most).toBeLessThan(16 << 20)
  })
})

describe('what a server says', () => {
  it('does not turn the direction of writing', () => {
    expect(printableLine(BIDI)).toBe('\\u{202e}gnp.exe\\u{2066}')
  })

  it('does not turn it in the lines and the JSON of framewright probe', async () => {
    const url = await serve((ws) => {
      // Only who gets the first message back asks for more.
      ws.on('message', (data) => ws.send(data === 'framewright probe' ? data : BIDI))
    })
    for (const format of [[], ['--json']]) {
      const args = cliArguments('probe', '--timeout', '300', '--only', '6455-5.4,6455-5.6', ...format, url)
      const child = new Child(process.execPath, args)
      const { stdout } = await child.ended(60_000)
      expect(stdout).toContain('gnp.exe')
      expect(stdout).not.toMatch(/[\u202e\u2066]/)
      if (format.length > 0) expect(JSON.stringify(JSON.parse(stdout))).toContain('\u202e')
    }
  })
})
