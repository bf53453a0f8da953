import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { makeCertificate } from '../support/certificate.ts'
import { Child, cliArguments, ROOT, run } from '../support/child.ts'
import { clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'

const STARTUP_MS = 30_000
/** The line that names the page, with its token. */
const PAGE = /page: +(http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+)\n/

async function cli(...args: string[]) {
  return await run(process.execPath, cliArguments(...args), { ms: STARTUP_MS })
}

/** Start the server on free ports and read from its output where it listens. */
async function startServe(...args: string[]): Promise<{ child: Child; port: number }> {
  const child = new Child(process.execPath, cliArguments('serve', '--port', '0', ...args))
  const [, port] = await child.printed(/ws:\/\/localhost:(\d+)\n/, STARTUP_MS)
  return { child, port: Number(port) }
}

async function openWs(port: number): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`)
  await within(once(ws, 'open'), 'the connection to open')
  return ws
}

async function closeOf(ws: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(ws, 'close'), 'the close')) as [number, Buffer]
  return { code, reason: reason.toString() }
}

describe('framewright', () => {
  it('prints its commands on --help, and on stderr when called with nothing', async () => {
    const help = await cli('--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/Usage: framewright <command>.*\n {2}serve /s)
    expect(await cli()).toMatchObject({ code: 2, stdout: '', stderr: help.stdout })
  })

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }
    expect(await cli('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each(['nonsense', '__proto__', 'constructor'])('names its commands when %s is none', async (name) => {
    const { code, stdout, stderr } = await cli(name)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^framewright: unknown command "\w+"; the commands are: .*serve.*\n$/)
  })
})

describe('framewright serve', () => {
  it('prints its options on --help', async () => {
    const { code, stdout } = await cli('serve', '--help')
    expect(code).toBe(0)
    for (const option of [
      '--port',
      '--host',
      '--inspect',
      '--page-port',
      '--tls',
      '--tls-cert',
      '--tls-key',
      '--origin',
    ]) {
      expect(stdout).toContain(option)
    }
  })

  it.each([
    { args: ['--port', 'abc'], message: /--port .*"abc"/ },
    { args: ['--port', '65536'], message: /--port .*"65536"/ },
    { args: ['--port', '80.5'], message: /--port .*"80.5"/ },
    { args: ['--port='], message: /--port .*""/ },
    { args: ['--port'], message: /--port/ },
    { args: ['--page-port', '-1'], message: /--page-port/ },
    { args: ['--prot', '1'], message: /--prot/ },
    { args: ['8080'], message: /8080/ },
    { args: ['--tls-cert', 'a.pem'], message: /--tls-key/ },
    { args: ['--tls-key', 'a.pem'], message: /--tls-cert/ },
    { args: ['--origin', 'example.org'], message: /--origin .*"example.org"/ },
    { args: ['--origin', 'https://example.org/'], message: /--origin .*"https:\/\/example.org\/"/ },
  ])('refuses $args with one line and exit code 2', async ({ args, message }) => {
    const { code, stdout, stderr } = await cli('serve', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^framewright: .+\n$/)
  })

  it.each(['--port', '--page-port'])('says that the port of %s is in use, with exit code 1', async (option) => {
    const other = createServer()
    other.listen(0)
    await once(other, 'listening')
    try {
      const { port } = other.address() as AddressInfo
      const args = option === '--port' ? ['--port', String(port)] : ['--port', '0', '--page-port', String(port)]
      const { code, stdout, stderr } = await cli('serve', ...args)
      expect({ code, stdout, stderr }).toEqual({
        code: 1,
        stdout: '',
        stderr: `framewright: port ${port} is already in use; choose another with ${option}\n`,
      })
    } finally {
      other.close()
    }
  })

  it('says that a host is none of its own, with exit code 1', async () => {
    // 192.0.2.0/24 is set aside for documentation, RFC 5737.
    const { code, stderr } = await cli('serve', '--port', '0', '--host', '192.0.2.1')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'framewright: --host "192.0.2.1" is no address of this machine\n',
    })
  })

  it('echoes text as text and binary as binary', async () => {
    const { child, port } = await startServe()
    await using _ = child
    const ws = await openWs(port)
    for (const [sent, isBinary] of [
      ['grüße', false],
      [Buffer.from([0, 255, 1]), true],
    ] as const) {
      const answer = within(once(ws, 'message'), 'the echo')
      ws.send(sent)
      expect(await answer).toEqual([Buffer.from(sent), isBinary])
    }
    ws.terminate()
  })

  it('listens on the given host only, and prints it', async () => {
    const child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--host', '127.0.0.1'))
    await using _ = child
    const [, port] = await child.printed(/ws:\/\/127\.0\.0\.1:(\d+)\n/, STARTUP_MS)
    const ws = await openWs(Number(port))
    ws.terminate()
  })

  it('serves no page unless asked to', async () => {
    const { child } = await startServe()
    await using _ = child
    await child.printed(/Ctrl-C/)
    expect(child.stdout).not.toContain('http://')
  })

  it('serves a page that talks to the echo server and shows its connections, to whoever has its URL', async () => {
    const { child } = await startServe('--inspect')
    await using _ = child
    const [, url] = await child.printed(PAGE)
    const page = await fetch(url!)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain('<title>framewright live</title>')
    const { origin } = new URL(url!)
    for (const path of ['/inspector.js', '/inspector.css', '/explain.html']) {
      expect((await fetch(origin + path)).status).toBe(200)
    }
    expect((await fetch(`${origin}/`)).status).toBe(401)
    expect((await fetch(url!, { method: 'POST' })).status).toBe(405)
    const head = await fetch(url!, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('closes every client with 1001 and exits with 0 on %s', async (signal) => {
    const { child, port } = await startServe('--inspect')
    await using _ = child
    const clients = await Promise.all([openWs(port), openWs(port), openWs(port)])
    const closes = Promise.all(clients.map(closeOf))
    await child.printed(/Ctrl-C/)
    child.kill(signal)
    for (const close of await closes) expect(close).toEqual({ code: 1001, reason: 'server is shutting down' })
    const { code, signal: killedBy, stdout, stderr } = await child.ended()
    expect({ code, killedBy, stderr }).toEqual({ code: 0, killedBy: null, stderr: '' })
    expect(stdout).toContain('closed 3 clients with 1001')
  })

  it('exits with 0 on SIGINT when nobody is connected', async () => {
    const { child } = await startServe()
    await using _ = child
    await child.printed(/Ctrl-C/)
    child.kill('SIGINT')
    expect(await child.ended()).toMatchObject({ code: 0 })
  })

  it('exits with 130 on a second Ctrl-C while a client does not answer the Close frame', async () => {
    const { child, port } = await startServe()
    await using _ = child
    const { raw } = await openRawWebSocket(port)
    using __ = raw
    await raw.write(clientText('hello'))
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('hello')

    child.kill('SIGINT')
    const { opcode, payload } = await readServerFrame(raw)
    expect({ opcode, ...readClosePayload(payload) }).toMatchObject({ opcode: 8, statusCode: 1001 })
    // Two signals in quick succession count as one, so that this takes some more of them.
    const again = setInterval(() => child.kill('SIGINT'), 50)
    try {
      expect(await child.ended()).toMatchObject({ code: 130 })
    } finally {
      clearInterval(again)
    }
  })
})

describe('framewright serve --origin', () => {
  async function statusFor(port: number, headers: Record<string, string>): Promise<number> {
    const ws = new WebSocket(`ws://127.0.0.1:${port}`, [], { headers })
    const opened = once(ws, 'open').then(() => 101)
    const refused = once(ws, 'unexpected-response').then(([, { statusCode }]) => statusCode as number)
    ws.on('error', () => {})
    const status = await within(Promise.race([opened, refused]), 'the answer')
    ws.terminate()
    return status
  }

  it('lets in the pages it names, its own page, and clients without an origin', async () => {
    const { child, port } = await startServe(
      '--inspect',
      '--origin',
      'https://a.example',
      '--origin',
      'http://b.example',
    )
    await using _ = child
    const [, url] = await child.printed(PAGE)
    const page = new URL(url!).origin
    for (const Origin of ['https://a.example', 'http://b.example', page])
      expect(await statusFor(port, { Origin })).toBe(101)
    expect(await statusFor(port, {})).toBe(101)
    expect(await statusFor(port, { Origin: 'http://a.example' })).toBe(403)
  })

  it('lets in every page with any', async () => {
    const { child, port } = await startServe('--origin', 'any')
    await using _ = child
    expect(await statusFor(port, { Origin: 'https://anywhere.example', Cookie: 'a=1' })).toBe(101)
  })

  it('lets in every page that sends no cookies by default, and its own page with them', async () => {
    const { child, port } = await startServe('--inspect')
    await using _ = child
    const [, url] = await child.printed(PAGE)
    const page = new URL(url!).origin
    expect(await statusFor(port, { Origin: 'https://anywhere.example' })).toBe(101)
    expect(await statusFor(port, { Origin: 'https://anywhere.example', Cookie: 'a=1' })).toBe(403)
    for (const Origin of [page, page.replace('127.0.0.1', 'localhost')])
      expect(await statusFor(port, { Origin, Cookie: 'a=1' })).toBe(101)
  })
})

describe('framewright serve --tls', () => {
  it('makes a certificate for this run', async () => {
    await using child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--tls'))
    const [, port] = await child.printed(/wss:\/\/localhost:(\d+)/, 30_000)
    const ws = new WebSocket(`wss://localhost:${port}`, [], { rejectUnauthorized: false })
    await within(once(ws, 'open'), 'the connection')
    ws.send('over TLS')
    const [data] = await within(once(ws, 'message'), 'the echo')
    expect(String(data)).toBe('over TLS')
    ws.terminate()
  })
})

describe('framewright serve --tls-cert --tls-key', () => {
  let folder: string
  let tls: string[]
  let ca: Buffer

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'framewright-serve-'))
    const { cert, key } = makeCertificate()
    ca = cert
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), key)
    writeFileSync(join(folder, 'other.pem'), makeCertificate().key)
    tls = ['--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')]
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('echoes over wss, and serves the page beside it', async () => {
    const child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--inspect', ...tls))
    await using _ = child
    const [, url] = await child.printed(/(wss:\/\/localhost:\d+)\n/, STARTUP_MS)
    const [, page] = await child.printed(PAGE)
    const ws = new WebSocket(url!, [], { ca })
    await within(once(ws, 'open'), 'the connection to open')
    const answer = within(once(ws, 'message'), 'the echo')
    ws.send('over TLS')
    expect(String((await answer)[0])).toBe('over TLS')
    expect((await fetch(page!)).status).toBe(200)
    const closed = closeOf(ws)
    child.kill('SIGINT')
    expect(await closed).toEqual({ code: 1001, reason: 'server is shutting down' })
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    { name: 'a file that is not there', cert: 'none.pem', key: 'key.pem', message: /--tls-cert: ENOENT.*none\.pem/ },
    { name: 'a file that holds something else', cert: 'key.pem', key: 'key.pem', message: /no certificate in PEM/ },
    { name: 'the key of another certificate', cert: 'cert.pem', key: 'other.pem', message: /with its key/ },
  ])('says what is wrong with $name, with exit code 1', async ({ cert, key, message }) => {
    const args = ['--tls-cert', join(folder, cert), '--tls-key', join(folder, key)]
    const { code, stdout, stderr } = await cli('serve', '--port', '0', ...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^framewright: .+\n$/)
  })
})

describe('npm start', () => {
  it.each([
    // A terminal sends SIGINT to the whole group, and npm passes its own on: the server gets it twice.
    { name: 'Ctrl-C of the terminal', signal: 'SIGINT', target: 'group' },
    { name: 'SIGINT sent to npm alone', signal: 'SIGINT', target: 'npm' },
    { name: 'SIGTERM sent to npm alone', signal: 'SIGTERM', target: 'npm' },
  ] as const)('serves, with the page, and ends well on $name', async ({ signal, target }) => {
    const child = new Child('npm', ['start', '--', '--port', '0'], { detached: true })
    await using _ = child
    const [, port] = await child.printed(/ws:\/\/localhost:(\d+)\n/, STARTUP_MS)
    await child.printed(/page: +http:.*Ctrl-C/s)
    const ws = await openWs(Number(port))
    const closed = closeOf(ws)
    if (target === 'group') child.kill(signal)
    else child.process.kill(signal)
    expect(await closed).toEqual({ code: 1001, reason: 'server is shutting down' })
    expect(await child.ended()).toMatchObject({ code: 0, signal: null })
  })
})
