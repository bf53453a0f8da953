import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../src/cli/connect/line.ts'
import { hexDump, printable, showMessage } from '../../src/cli/connect/show.ts'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { Child, cliArguments, run } from '../support/child.ts'
import { within } from '../support/deadline.ts'

const STARTUP_MS = 30_000

async function startServer(options: WebSocketServerOptions = {}): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  const { port } = await within(server.listening, 'the server')
  return { server, url: `${options.tls === undefined ? 'ws' : 'wss'}://localhost:${port}/` }
}

function echo(server: WebSocketServer): void {
  server.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
  })
}

async function connect(input: string, ...args: string[]) {
  return await run(process.execPath, cliArguments('connect', ...args), { input, ms: STARTUP_MS })
}

describe('framewright connect', () => {
  it('prints its options and what can be typed on --help', async () => {
    const { code, stdout } = await connect('', '--help')
    expect(code).toBe(0)
    for (const word of ['--header', '--origin', '--protocol', '--insecure', '--wait', '/ping', '/close', '/binary']) {
      expect(stdout).toContain(word)
    }
  })

  it.each([
    { args: [], message: /one URL/ },
    { args: ['ws://a/', 'ws://b/'], message: /one URL/ },
    { args: ['ftp://a/'], message: /ftp/ },
    { args: ['ws://a/', '--header', 'nonsense'], message: /--header .*"nonsense"/ },
    { args: ['ws://a/', '--nonsense'], message: /--nonsense/ },
  ])('refuses $args with one line and exit code 2', async ({ args, message }) => {
    const { code, stdout, stderr } = await connect('', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^framewright: .+\n$/)
  })

  it('sends the lines of a pipe, shows every answer, and closes with 1000 at the end', async () => {
    const { server, url } = await startServer()
    await using _ = server
    echo(server)
    const { code, stdout, stderr } = await connect('one\n//two\n/binary 00 ff 41\n/nonsense\n/close 99\nlast', url)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(`-- connected to ${url}`)
    expect(lines).toEqual(
      expect.arrayContaining(['<- one', '<- /two', '-> binary, 3 bytes', '<- binary, 3 bytes', '<- last']),
    )
    expect(stdout).toMatch(/<- binary, 3 bytes\n {3}000000 {2}00 ff 41 {41}\.\.A\n/)
    expect(stdout).toContain('-- no such command: /nonsense')
    expect(stdout).toContain('-- /close takes a status code')
    expect(lines.slice(-4)).toEqual([
      '-> [close] 1000',
      '<- [close] 1000',
      '-- closed with 1000 (closed-by-us, begun by us)',
      '',
    ])
  })

  it('shows Pings and Pongs of both sides, and closes with the code and reason it is told', async () => {
    const { server, url } = await startServer()
    await using _ = server
    const pings: string[] = []
    server.on('connection', (ws) => {
      ws.on('ping', (data) => {
        pings.push(`ping ${data}`)
        ws.ping('are you there?')
      })
      ws.on('pong', (data) => pings.push(`pong ${data}`))
    })
    await using child = new Child(process.execPath, cliArguments('connect', url))
    await child.printed(/connected/, STARTUP_MS)
    child.process.stdin?.write('/ping hello you\n')
    await child.printed(/-> \[ping\] hello you\n/)
    await child.printed(/<- \[pong\] hello you\n/)
    await child.printed(/<- \[ping\] are you there\?\n-> \[pong\] are you there\?\n/)
    child.process.stdin?.write('/pong nobody asked\n/close 4001 that is all\n')
    const { code, stdout } = await child.ended()
    expect(code).toBe(0)
    expect(stdout).toContain('-> [close] 4001 that is all\n<- [close] 4001\n')
    expect(stdout).toContain('-- closed with 4001 (closed-by-us, begun by us)\n')
    expect(pings).toEqual(['ping hello you', 'pong are you there?', 'pong nobody asked'])
  })

  it('waits for the server to close with --wait, and shows no frames with --show-frames-off', async () => {
    const { server, url } = await startServer()
    await using _ = server
    server.on('connection', (ws) => {
      ws.on('message', (data) => {
        ws.ping()
        ws.once('pong', () => {
          ws.send(`late answer to ${data}`)
          ws.close(4000, 'your turn\x1b[2J')
        })
      })
    })
    const { code, stdout } = await connect('question\n', '--wait', '--show-frames-off', url)
    expect(code).toBe(0)
    expect(stdout).toBe(
      `-- connected to ${url}\n<- late answer to question\n-- closed with 4000 your turn\\x1b[2J (closed-by-peer, begun by the server)\n`,
    )
  })

  it('sends the fields, the origin and the subprotocols it is told', async () => {
    const { server, url } = await startServer({ subprotocols: ['b'], origins: 'any' })
    await using _ = server
    const requested = once(server, 'connection')
    const options = ['--header', 'X-A: 1', '--header', 'X-A: 2', '--origin', 'https://a.example']
    const ended = connect('', ...options, '--protocol', 'a', '--protocol', 'b', url)
    const [ws, { headers }] = await within(requested, 'the connection', STARTUP_MS)
    expect(headers).toMatchObject({ 'x-a': '1, 2', origin: 'https://a.example' })
    expect(ws.protocol).toBe('b')
    expect((await ended).stdout).toContain(', subprotocol b\n')
  })

  it('takes any certificate with --insecure only', async () => {
    const { server, url } = await startServer({ tls: makeCertificate() })
    await using _ = server
    echo(server)
    const careful = await connect('hello', url)
    expect(careful.code).toBe(1)
    expect(careful.stderr).toMatch(/^framewright: .*handshake-failed.*certificate.*\n$/)
    const careless = await connect('hello', '--insecure', url)
    expect(careless.code).toBe(0)
    expect(careless.stdout).toContain('<- hello\n')
  })

  it('says in one line why it could not connect, with exit code 1', async () => {
    const { server, url } = await startServer({ path: '/ws' })
    await using _ = server
    const { code, stdout, stderr } = await connect('hello', url)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^framewright: closed with 1006 \(handshake-failed, .*404.*\n$/)
  })

  it('ends with exit code 1 when the connection breaks', async () => {
    const { server, url } = await startServer()
    await using _ = server
    server.on('connection', (ws) => ws.on('message', () => ws.terminate()))
    const { code, stderr } = await connect('hello\n', '--wait', url)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^framewright: closed with 1006 .*\n$/)
  })
})

describe('printable', () => {
  it('escapes what would move the cursor, colour the terminal or turn the text around', () => {
    expect(printable('a\x1b[31m\r\x07\x9b\u202e\u2028é€😀\n')).toBe('a\\x1b[31m\\x0d\\x07\\x9b\\u{202e}\\u{2028}é€😀\n')
  })
})

describe('hexDump', () => {
  it('shows sixteen bytes a line, and ends after 1,024', () => {
    expect(hexDump(Buffer.from('0123456789abcdefg')).split('\n')).toEqual([
      '',
      '   000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
      `   000010  67${' '.repeat(45)}  g`,
    ])
    expect(hexDump(Buffer.alloc(1030))).toMatch(/\n {3}and 6 bytes more$/)
    expect(showMessage('<-', Buffer.alloc(0), true)).toBe('<- binary, 0 bytes')
  })
})

describe('parseLine', () => {
  it.each([
    ['hello /world', { kind: 'text', text: 'hello /world' }],
    ['', { kind: 'text', text: '' }],
    ['//home', { kind: 'text', text: '/home' }],
    ['/ping', { kind: 'ping', data: '' }],
    ['/ping a b', { kind: 'ping', data: 'a b' }],
    ['/binary 00FF 1 0', { kind: 'binary', bytes: Buffer.from([0, 255, 16]) }],
    ['/close', { kind: 'close', code: 1000, reason: '' }],
    ['/close 4000', { kind: 'close', code: 4000, reason: '' }],
    ['/close 4000 good bye', { kind: 'close', code: 4000, reason: 'good bye' }],
    ['/quit', { kind: 'quit' }],
    ['/help', { kind: 'help' }],
  ])('reads %j', (line, request) => {
    expect(parseLine(line)).toEqual(request)
  })

  it.each(['/binary 0', '/binary xx', '/close 12', '/close bye', '/bye', '/'])('says what is wrong with %j', (line) => {
    expect(parseLine(line)).toMatchObject({ kind: 'mistake' })
  })
})
