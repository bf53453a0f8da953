import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Comings } from '../../src/cli/watch/comings.ts'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { type SessionEvent, serializeSession } from '../../src/inspector/index.ts'
import { Recorder } from '../../src/inspector/record/recorder.ts'
import { Child, cliArguments, run } from '../support/child.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { DEADLINE_MS, within } from '../support/deadline.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

const STARTUP_MS = 30_000
const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

function cli(...args: string[]) {
  return run(process.execPath, cliArguments(...args), { ms: STARTUP_MS })
}

/** A session that a recorder took of a real server. */
async function record(send: (raw: RawSocket) => Promise<void>): Promise<string> {
  const server = await TestServer.start()
  disposals.push(() => server[Symbol.asyncDispose]())
  const recorder = new Recorder()
  server.server.observe(recorder)
  using raw = await RawSocket.connect(server.port)
  await raw.write(upgradeRequest(server.port))
  await raw.readUntil('\r\n\r\n')
  await send(raw)
  await raw.readToEnd()
  raw.socket.end()
  await vi.waitUntil(() => recorder.connections[0]!.isOver, { timeout: DEADLINE_MS })
  return file('session.jsonl', serializeSession(recorder.connections[0]!.session()))
}

function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-'))
  disposals.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const good = (raw: RawSocket): Promise<void> =>
  (async () => {
    await raw.write(clientText('Hello'))
    await raw.read(7)
    await raw.write(clientFrame({ opcode: 9, payload: 'ping' }))
    await raw.read(6)
    await raw.write(clientClose(1000))
  })()

describe('framewright replay', () => {
  it.each([
    { name: 'a good session', send: good },
    { name: 'one that breaks a rule on frames', send: (raw: RawSocket) => raw.write(clientFrame({ opcode: 3 })) },
    {
      name: 'one that breaks a rule on messages',
      send: (raw: RawSocket) => raw.write(clientFrame({ opcode: 1, payload: Uint8Array.of(0xc3, 0x28) })),
    },
    { name: 'one with a bad Close body', send: (raw: RawSocket) => raw.write(clientClose(1005)) },
  ])('finds that our parser makes of $name what its bytes say', async ({ send }) => {
    expect(await cli('replay', await record(send))).toMatchObject({ code: 0, stdout: 'nothing differs\n', stderr: '' })
  })

  it('compares a server with the one that was recorded: the same, and another one', async () => {
    const session = await record(good)
    const same = await TestServer.start()
    disposals.push(() => same[Symbol.asyncDispose]())
    const url = `ws://127.0.0.1:${same.port}/`
    expect(await cli('replay', session, '--against', url)).toMatchObject({ code: 0, stdout: 'nothing differs\n' })
    const other = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    disposals.push(() => other.shutdown({ graceMs: 0 }))
    other.on('connection', (ws) => ws.on('message', (data) => ws.send(`no ${data}`)))
    const { port } = await within(other.listening, 'the server')
    const { code, stdout } = await cli('replay', session, '--against', `ws://127.0.0.1:${port}/`)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^differs: answer 1: recorded is text message of 5 bytes "Hello", and now .*"no Hello"\n$/)
  })

  it('judges a parser of your own', async () => {
    const session = await record(good)
    const mine = file(
      'mine.mjs',
      'export const makeParser = (onFrame) => () => onFrame({ fin: true, opcode: 1 }, new Uint8Array(5))\n',
    )
    const { code, stdout } = await cli('replay', session, '--parser', mine)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^differs: frame 0: text "Hello" was sent, and what came out is text/)
  })

  it.each([
    { args: [], message: /one file/ },
    { args: ['nowhere.jsonl'], message: /nowhere\.jsonl/ },
    { args: ['x', '--agianst', 'ws://a'], message: /did you mean --against\?/ },
    { args: ['x', '--against', 'ws://a', '--parser', 'b'], message: /do not go together/ },
  ])('refuses $args with one line and exit code 2', async ({ args, message }) => {
    const { code, stderr } = await cli('replay', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

describe('framewright proxy', () => {
  it('hands bytes on unchanged, and prints what it saw as JSON lines', async () => {
    const server = await TestServer.start()
    disposals.push(() => server[Symbol.asyncDispose]())
    const child = new Child(
      process.execPath,
      cliArguments('proxy', '--port', '0', '--json', `ws://127.0.0.1:${server.port}`),
    )
    disposals.push(() => child.kill('SIGKILL'))
    const [, port] = await child.printed(/"url":"ws:\/\/127\.0\.0\.1:(\d+)"/)
    const client = new WebSocket(`ws://127.0.0.1:${port}/`)
    client.on('open', () => client.send('Hello'))
    client.on('message', () => client.close(1000))
    await within(client.closed, 'the end')
    await vi.waitUntil(() => child.stdout.includes('"CLOSED"'), { timeout: DEADLINE_MS })
    const entries = child.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SessionEvent & Record<string, unknown>)
    const frames = entries.filter(({ kind }) => (kind as string) === 'frame')
    expect(frames.map(({ direction, opcode }) => `${direction} ${opcode}`)).toEqual([
      'c2s 1',
      's2c 1',
      'c2s 8',
      's2c 8',
    ])
    expect(entries.filter(({ kind }) => (kind as string) === 'state').map((entry) => entry['state'])).toEqual([
      'CONNECTING',
      'OPEN',
      'CLOSING',
      'CLOSED',
    ])
  })
})

describe('framewright connect --frames', () => {
  it('shows every frame both ways, from the opening handshake on', async () => {
    const server = await TestServer.start()
    disposals.push(() => server[Symbol.asyncDispose]())
    const args = cliArguments('connect', '--frames', `ws://127.0.0.1:${server.port}/`)
    const { code, stdout } = await run(process.execPath, args, { input: 'Hello', ms: STARTUP_MS })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^-> GET \/ HTTP\/1\.1$/m)
    expect(stdout).toMatch(/^<- HTTP\/1\.1 101 /m)
    expect(stdout).toMatch(/^-> \[text · FIN · masked · 5 B\] {2}"Hello"$/m)
    expect(stdout).toMatch(/^<- \[text · FIN · unmasked · 5 B\] {2}"Hello"$/m)
    expect(stdout).toMatch(/^-> \[close · FIN · masked · 2 B\] {2}1000$/m)
  })
})

describe('framewright serve --inspect', () => {
  it('prints the URL of the page with its token, and who came and went', async () => {
    const child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--inspect'))
    disposals.push(() => child.kill('SIGKILL'))
    const [, port] = await child.printed(/echo server: ws:\/\/localhost:(\d+)/)
    const [, url] = await child.printed(/page: +(http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32})\n/)
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    client.on('open', () => client.close(4000, 'bye'))
    await within(client.closed, 'the end')
    await child.printed(
      /#1 came: .*127\.0\.0\.1 \/chat\n#1 went: closed with 4000 bye \(closed-by-peer, begun by the client\)\n/,
    )
    const session = await fetch(url!.replace('/?', '/export/1.jsonl?'))
    expect(await session.text()).toContain('"code":4000')
    child.kill('SIGTERM')
    expect(await child.ended()).toMatchObject({ code: 0 })
  })
})

describe('who came and went', () => {
  it('is a line each, and of a crowd how many more', () => {
    let now = 0
    const lines: string[] = []
    const comings = new Comings(
      (line) => lines.push(line),
      () => now,
    )
    for (let i = 0; i < 1000; i++) comings.say(`line ${i}`)
    expect(lines.length).toBe(10)
    now = 1000
    comings.say('later')
    expect(lines.slice(10)).toEqual(['(and 990 more lines)', 'later'])
  })
})
