import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Child, ROOT } from '../support/child.ts'
import { concat } from '../support/chunkings.ts'
import { clientBinary, clientClose, clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket, RawSocket } from '../support/raw-socket.ts'

const guide = readFileSync(`${ROOT}docs/sans-io.md`, 'utf8')
const blocks = [...guide.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)

/** The driver of the guide: as it stands, but from source and on a free port. */
function runnable(code: string): string {
  return [
    ["'framewright/handshake'", `'${pathToFileURL(`${ROOT}src/handshake/index.ts`).href}'`],
    ["'framewright/protocol'", `'${pathToFileURL(`${ROOT}src/protocol/index.ts`).href}'`],
    ['listen(8080', 'listen(0'],
  ].reduce((text, [from, to]) => {
    if (text.split(from!).length !== 2) throw new Error(`the guide does not say ${from} once`)
    return text.replace(from!, to!)
  }, code)
}

let folder: string
let child: Child
let port: number

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-guide-'))
  const file = join(folder, 'driver.mjs')
  writeFileSync(file, runnable(blocks[0]!))
  child = new Child(process.execPath, ['--import', 'tsx', file])
  const [, printed] = await child.printed(/port: (\d+)/, 30_000)
  port = Number(printed)
})

afterAll(async () => {
  await child?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A connected client of the `ws` package. */
async function connect(): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`)
  await within(once(ws, 'open'), 'the connection to open')
  return ws
}

async function nextMessage(ws: WebSocket): Promise<unknown[]> {
  return await within(once(ws, 'message'), 'an echo')
}

describe('docs/sans-io.md', () => {
  it('shows one driver, of fewer than 60 lines', () => {
    expect(blocks).toHaveLength(1)
    expect(blocks[0]!.trimEnd().split('\n').length).toBeLessThan(60)
  })

  it('names only members that Connection has', async () => {
    const { Connection } = await import('../../src/protocol/index.ts')
    const members = new Set(Object.getOwnPropertyNames(Connection.prototype))
    const called = [...guide.matchAll(/\bconnection\.(\w+)/g)].map((match) => match[1]!)
    const verbs = [...guide.matchAll(/`(\w+)\([^`]*\)`/g)].map((match) => match[1]!)
    expect([...called, ...verbs].filter((name) => !members.has(name))).toEqual([])
    expect(called.length).toBeGreaterThan(10)
  })
})

describe('the driver of docs/sans-io.md', () => {
  it('echoes text and binary messages of every size class to a client of another make', async () => {
    const ws = await connect()
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
      const bytes = Buffer.alloc(length, 'é')
      const answer = nextMessage(ws)
      ws.send(bytes)
      expect(Buffer.compare((await answer)[0] as Buffer, bytes)).toBe(0)
      const text = nextMessage(ws)
      ws.send('€'.repeat(length / 3))
      expect((await text)[1]).toBe(false)
    }
    ws.close(4000, 'enough')
    const [code] = await within(once(ws, 'close'), 'the closing handshake')
    expect(code).toBe(4000)
    await child.printed(/closed with 4000 enough\n/)
  })

  it('joins fragments and answers Pings between them', async () => {
    const ws = await connect()
    const answer = nextMessage(ws)
    const pong = within(once(ws, 'pong'), 'a Pong')
    ws.send('Hel', { fin: false })
    ws.ping('between')
    ws.send('lo', { fin: true })
    expect(await pong).toEqual([Buffer.from('between')])
    expect(await answer).toEqual([Buffer.from('Hello'), false])
    ws.terminate()
    await child.printed(/closed with 1006/)
  })

  it('reads the bytes that come with the request, and ends first after the Close', async () => {
    using raw = await RawSocket.connect(port)
    const request = `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
    await raw.write(concat(new TextEncoder().encode(request), clientText('first'), clientClose(1000)))
    const head = Buffer.from(await raw.readUntil('\r\n\r\n')).toString('latin1')
    expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('first')
    expect((await readServerFrame(raw)).opcode).toBe(0x8)
    expect(await raw.readToEnd()).toHaveLength(0)
    expect(raw.ended).toBe('end')
  })

  it('refuses what is no opening handshake', async () => {
    using raw = await RawSocket.connect(port)
    await raw.write('POST / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(Buffer.from(await raw.readToEnd()).toString('latin1')).toMatch(/^HTTP\/1\.1 405 /)
  })

  it('fails a peer that breaks a rule, and ends', async () => {
    const { raw } = await openRawWebSocket(port)
    using _ = raw
    await raw.write(concat(clientFrame({ opcode: 0x3 }), clientText('behind')))
    const { opcode, payload } = await readServerFrame(raw)
    expect(opcode).toBe(0x8)
    expect(Buffer.from(payload).toString('latin1')).toContain('6455-5.2-4')
    expect(await raw.readToEnd()).toHaveLength(0)
    await child.printed(/6455-5\.2-4/)
  })

  it('keeps up with a flood of small messages, in order, over many turns', async () => {
    const { raw } = await openRawWebSocket(port)
    using _ = raw
    const count = 5000
    const flood = concat(...Array.from({ length: count }, (_, i) => clientBinary(Uint8Array.of(i >>> 8, i))))
    await raw.write(flood)
    const echoes = await raw.read(count * 4)
    for (let i = 0; i < count; i += 1) {
      if (echoes[4 * i + 2] !== i >>> 8 || echoes[4 * i + 3] !== (i & 255)) expect.fail(`echo ${i} is not in its place`)
    }
  })

  it('holds a peer that sends Pings and reads no Pongs, and answers them all when it reads', async () => {
    const { raw } = await openRawWebSocket(port)
    using _ = raw
    raw.socket.pause()
    const count = 20_000
    const ping = clientFrame({ opcode: 0x9, payload: new Uint8Array(125) })
    raw.socket.write(concat(...Array.from({ length: count }, () => ping)))
    await new Promise((resolve) => setImmediate(resolve))
    raw.socket.resume()
    expect(await raw.read(count * 127, 20_000)).toHaveLength(count * 127)
  })
})
