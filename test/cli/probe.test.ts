import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requirements } from '../../src/cli/probe/requirements.ts'
import { probe, type Verdict } from '../../src/cli/probe/run.ts'
import { parseProbeArguments } from '../../src/cli/probe.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { Child, cliArguments, ROOT, run } from '../support/child.ts'
import { EchoServer } from '../support/echo-server.ts'

const STARTUP_MS = 30_000

async function cli(...args: string[]) {
  return await run(process.execPath, cliArguments('probe', ...args), { ms: 60_000 })
}

/** Run the probe in this process. */
async function probeUrl(url: string, ...args: string[]): Promise<Map<string, Verdict>> {
  const options = parseProbeArguments([...args, url])
  if (options === 'help') throw new Error('no help was asked for')
  const { target, patience, only } = options
  const isWanted = (id: string): boolean => only.length === 0 || only.some((start) => id.startsWith(start))
  return new Map((await probe({ target, patience, isWanted })).map((verdict) => [verdict.id, verdict]))
}

function idsWith(verdicts: ReadonlyMap<string, Verdict>, wanted: Verdict['verdict']): string[] {
  return [...verdicts.values()].filter(({ verdict }) => verdict === wanted).map(({ id }) => id)
}

let echo: EchoServer

beforeAll(async () => {
  echo = await EchoServer.start()
})

afterAll(async () => {
  await echo?.[Symbol.asyncDispose]()
})

describe('framewright probe against this server', () => {
  it('finds nothing unmet, prints one line for each requirement and a summary, and exits with 0', async () => {
    const { code, stdout, stderr } = await cli(echo.url)
    const lines = stdout.trimEnd().split('\n')
    const summary = lines.pop()
    expect(lines.filter((line) => line.startsWith('not met'))).toEqual([])
    expect(lines.map((line) => /^(?:met|untested) (6455-\S+) (?:MUST|SHOULD)/.exec(line)?.[1])).toEqual(
      requirements.map(({ id }) => id),
    )
    expect(summary).toMatch(/^\d+ met, 0 not met, \d+ untested, in \d+\.\d s$/)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('says why what it cannot see is untested', async () => {
    const verdicts = await probeUrl(echo.url)
    expect(idsWith(verdicts, 'untested')).toEqual([
      '6455-4.2.2-2',
      '6455-4.2.2-6',
      '6455-4.2.2-8',
      '6455-5.5.1-14',
      '6455-7.1.2-1',
      '6455-10.2-1',
      '6455-10.2-2',
      '6455-10.6-1',
    ])
    for (const id of idsWith(verdicts, 'untested')) expect(verdicts.get(id)!.details).toHaveLength(1)
  })

  it('finds a path and an origin that are refused when there are any', async () => {
    await using strict = await startServer({ path: '/chat', origins: ['https://example.org'] })
    const verdicts = await probeUrl(`ws://127.0.0.1:${strict.port}/chat`, '--only', '6455-4.2.2,6455-10.2')
    expect(idsWith(verdicts, 'not met')).toEqual([])
    expect(idsWith(verdicts, 'met')).toEqual(expect.arrayContaining(['6455-4.2.2-6', '6455-4.2.2-8', '6455-10.2-2']))
  })

  it('goes through TLS to wss, with a certificate that nobody vouches for only when told', async () => {
    await using secure = await startServer({ tls: makeCertificate() })
    const url = `wss://localhost:${secure.port}/`
    const verdicts = await probeUrl(url, '--insecure', '--only', '6455-4.2.2,6455-5.5,6455-10.6')
    expect(idsWith(verdicts, 'not met')).toEqual([])
    expect(idsWith(verdicts, 'met')).toEqual(expect.arrayContaining(['6455-10.6-1', '6455-4.2.2-2', '6455-5.5.1-11']))
    await expect(probeUrl(url)).rejects.toThrow('self-signed')
  })

  it('leaves what needs an echo untested when messages do not come back', async () => {
    await using silent = await startServer({}, false)
    const verdicts = await probeUrl(`ws://127.0.0.1:${silent.port}/`, '--timeout', '200')
    expect(idsWith(verdicts, 'not met')).toEqual([])
    expect(verdicts.get('6455-5.4-3')).toMatchObject({
      verdict: 'untested',
      details: ['the server does not send messages back'],
    })
    expect(verdicts.get('6455-5.2-3')!.verdict).toBe('met')
  })

  it('looks only at what --only names, and prints JSON on --json', async () => {
    const { code, stdout } = await cli(echo.url, '--json', '--only', '6455-5.5,6455-4.2.1-9')
    const { counts, requirements: found } = JSON.parse(stdout) as { counts: unknown; requirements: Verdict[] }
    expect(code).toBe(0)
    expect(counts).toEqual({ met: found.length - 1, 'not met': 0, untested: 1 })
    const wanted = requirements.map(({ id }) => id).filter((id) => /^6455-(?:5\.5[.-]|4\.2\.1-9$)/.test(id))
    expect(found.map(({ id }) => id)).toEqual(wanted)
    expect(found[0]).toMatchObject({ id: '6455-4.2.1-9', level: 'MUST', verdict: 'met', details: [] })
  })
})

describe('framewright probe against ws 8.23.0', () => {
  let child: Child
  let url: string

  beforeAll(async () => {
    child = new Child(process.execPath, ['test/support/ws-echo.mjs'])
    ;[url] = await child.printed(/ws:\S+/, STARTUP_MS)
  })

  afterAll(async () => {
    await child?.[Symbol.asyncDispose]()
  })

  it('finds its known departures, and exits with 1', async () => {
    const { code, stdout } = await cli(url, '--json', '--timeout', '1000')
    const { requirements: found } = JSON.parse(stdout) as { requirements: Verdict[] }
    const details = (id: string): string[] => [...found.find((verdict) => verdict.id === id)!.details]
    expect(code).toBe(1)
    expect(details('6455-5.2-6')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^a length of 125 in 16 bits: accepted/)]),
    )
    expect(details('6455-5.2-6')).toHaveLength(5)
    expect(details('6455-4.2.1-9')).toEqual([
      'version 8: accepted with 101',
      'version 013: accepted with 101',
      'version 13.0: accepted with 101',
    ])
    expect(details('6455-4.2.1-3')).toContain('HTTP/1.0: accepted with 101')
    expect(details('6455-4.2.1-5')).toContain('a request without Host: accepted with 101')
    expect(details('6455-4.2.1-6')).toEqual(['"Upgrade: h2c, websocket": refused with "HTTP/1.1 400 Bad Request"'])
    expect(details('6455-5.6-1')).toEqual([
      expect.stringMatching(/^an octet that can never be right in a frame.*no fail-fast/),
      expect.stringMatching(/^an octet that can never be right in a fragment.*no fail-fast/),
    ])
    expect(details('6455-5.5.2-2')).toContainEqual(
      expect.stringMatching(/^61 Pings in one write: the connection was ended/),
    )
  })

  it('finds met what it does right', async () => {
    const verdicts = await probeUrl(url, '--only', '6455-5.1,6455-5.4,6455-7.4')
    expect(idsWith(verdicts, 'not met')).toEqual([])
  })
})

describe('framewright probe against something else', () => {
  it('says so, and exits with 1, when nobody listens', async () => {
    const free = createTcpServer().listen(0, '127.0.0.1')
    const { port } = await new Promise<AddressInfo>((resolve) => {
      free.once('listening', () => resolve(free.address() as AddressInfo))
    })
    await new Promise((resolve) => free.close(resolve))
    const { code, stdout, stderr } = await cli(`ws://127.0.0.1:${port}/`)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^framewright: connect ECONNREFUSED/)
  })

  it('says so when the server is none of WebSocket', async () => {
    const http = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await new Promise((resolve) => http.once('listening', resolve))
    try {
      await expect(probeUrl(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`)).rejects.toThrow(
        'the server refused an ordinary opening handshake: "HTTP/1.1 200 OK"',
      )
    } finally {
      http.close()
      http.closeAllConnections()
    }
  })

  it.each([
    { name: 'a server that masks and sets bits', bytes: 'c183010203046162', id: '6455-5.1-4' },
    { name: 'a server that sets a reserved bit', bytes: '9100', id: '6455-5.2-2' },
    { name: 'a server that writes long lengths', bytes: '827e000101', id: '6455-5.2-6' },
  ])('notices the frames of $name', async ({ bytes, id }) => {
    await using strange = await startServer({}, false, Buffer.from(bytes, 'hex'))
    const verdicts = await probeUrl(`ws://127.0.0.1:${strange.port}/`, '--timeout', '100', '--only', `6455-5.5.2,${id}`)
    expect(verdicts.get(id)!.verdict).toBe('not met')
  })
})

/** A server with these options; `greeting` is written raw behind the opening handshake. */
async function startServer(
  options: ConstructorParameters<typeof WebSocketServer>[0],
  isEcho = true,
  greeting?: Buffer,
): Promise<{ port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  server.on('connection', (ws, request) => {
    if (greeting !== undefined) request.socket.write(greeting)
    ws.on('message', (data, isBinary) => {
      if (isEcho) ws.send(data, { binary: isBinary })
    })
  })
  const { port } = await server.listening
  return {
    port,
    async [Symbol.asyncDispose]() {
      await server.shutdown({ graceMs: 0 })
    },
  }
}

describe('the arguments of framewright probe', () => {
  it.each([
    { name: 'no URL', args: [], message: 'probe takes one URL' },
    { name: 'two URLs', args: ['ws://a/', 'ws://b/'], message: 'probe takes one URL' },
    { name: 'another scheme', args: ['http://a/'], message: 'no URL that starts with ws:// or wss://' },
    { name: 'no URL at all', args: ['localhost:8080'], message: 'no URL that starts with ws:// or wss://' },
    { name: 'an unknown option', args: ['ws://a/', '--fast'], message: "unknown option '--fast'" },
    { name: 'a timeout of nothing', args: ['ws://a/', '--timeout', '0'], message: '--timeout takes milliseconds' },
    { name: 'a header without a colon', args: ['ws://a/', '--header', 'X'], message: '--header takes "Name: value"' },
    {
      name: 'a header of two lines',
      args: ['ws://a/', '--header', 'X: 1\r\nY: 2'],
      message: '--header takes "Name: value"',
    },
  ])('are refused with $name', ({ args, message }) => {
    expect(() => parseProbeArguments(args)).toThrow(message)
  })

  it('name the server, its path and what every request carries', () => {
    const parsed = parseProbeArguments(['--header', 'Cookie: a=1', 'wss://[::1]/chat?x=1', '--only', '6455-5.2,6455-7'])
    expect(parsed).toEqual({
      target: {
        isSecure: true,
        host: '::1',
        port: 443,
        authority: '[::1]',
        resource: '/chat?x=1',
        fieldLines: ['Cookie: a=1'],
        isInsecure: false,
      },
      patience: 2000,
      only: ['6455-5.2', '6455-7'],
      json: false,
    })
  })

  it('print a help', async () => {
    const { code, stdout } = await cli('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: framewright probe')
    expect(await cli(echo.url, '--only', '6455-99')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('the code of the probe', () => {
  const folder = new URL('../../src/cli/probe/', import.meta.url)

  it('shares no line of the protocol with the server that it may be run on', () => {
    for (const file of readdirSync(folder)) {
      const imports = [...readFileSync(new URL(file, folder), 'utf8').matchAll(/from '([^']+)'/g)].map(
        ([, from]) => from!,
      )
      // The ground has clocks and knows no protocol.
      expect(imports.filter((from) => !/^(?:node:|\.\/|\.\.\/\.\.\/ground\/)/.test(from))).toEqual([])
    }
  })

  it('speaks of requirements as docs/rfc/requirements.tsv does, and of all that show on the wire', () => {
    const [, ...rows] = readFileSync(`${ROOT}docs/rfc/requirements.tsv`, 'utf8').trimEnd().split('\n')
    const columns = rows.map((row) => row.split('\t'))
    const table = new Map(columns.map(([id, , , level, , , text]) => [id, { id, level, text }]))
    for (const requirement of requirements) expect(requirement).toEqual(table.get(requirement.id))
    const onWire = columns.filter(
      ([id, , , level, , role, , method]) =>
        id!.startsWith('6455-') &&
        /MUST|SHOULD/.test(level!) &&
        (role === 'server' || role === 'both') &&
        method === 'wire',
    )
    expect(requirements.map(({ id }) => id)).toEqual(expect.arrayContaining(onWire.map(([id]) => id)))
  })
})
