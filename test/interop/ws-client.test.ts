import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { within } from '../support/deadline.ts'
import { EchoServer } from '../support/echo-server.ts'

const MIB = 1024 * 1024

let echo: EchoServer

beforeAll(async () => {
  echo = await EchoServer.start()
})

afterAll(async () => {
  await echo?.[Symbol.asyncDispose]()
})

async function open(): Promise<WebSocket> {
  const ws = new WebSocket(echo.url)
  await within(once(ws, 'open'), 'the connection to open')
  return ws
}

async function nextMessage(ws: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> {
  const [data, isBinary] = (await within(once(ws, 'message'), 'a message')) as [Buffer, boolean]
  return { data, isBinary }
}

async function nextClose(ws: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(ws, 'close'), 'the close')) as [number, Buffer]
  return { code, reason: reason.toString() }
}

async function closeBoth(ws: WebSocket): Promise<void> {
  const closed = nextClose(ws)
  ws.close(1000)
  expect(await closed).toEqual({ code: 1000, reason: '' })
  expect(await echo.nextClose()).toEqual({ code: 1000, reason: '' })
}

describe('the client of ws', () => {
  it.each(['hello', '', 'grüße, 你好, 𝄞', 'x'.repeat(70_000), 'x'.repeat(MIB)])(
    'gets its text back (%#)',
    async (text) => {
      const ws = await open()
      const answer = nextMessage(ws)
      ws.send(text)
      const { data, isBinary } = await answer
      expect(isBinary).toBe(false)
      expect(data.toString() === text).toBe(true)
      await closeBoth(ws)
    },
  )

  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000, MIB])('gets its %i bytes of binary back', async (length) => {
    const ws = await open()
    const bytes = Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255))
    const answer = nextMessage(ws)
    ws.send(bytes)
    const { data, isBinary } = await answer
    expect(isBinary).toBe(true)
    expect(data.equals(bytes)).toBe(true)
    await closeBoth(ws)
  })

  it('gets a message of three fragments back as one message', async () => {
    const ws = await open()
    const answer = nextMessage(ws)
    ws.send('one ', { fin: false })
    ws.send('two ', { fin: false })
    ws.send('three')
    expect((await answer).data.toString()).toBe('one two three')
    await closeBoth(ws)
  })

  it('reads a fragmented reply as one message', async () => {
    const ws = await open()
    const answer = nextMessage(ws)
    ws.send('!fragments a b c')
    expect((await answer).data.toString()).toBe('abc')
    await closeBoth(ws)
  })

  it('gets a pong with the payload of its ping, even amid fragments', async () => {
    const ws = await open()
    const answer = nextMessage(ws)
    const pong = within(once(ws, 'pong'), 'a pong')
    ws.send('before ', { fin: false })
    ws.ping('are you there?')
    ws.send('after')
    expect(String((await pong)[0])).toBe('are you there?')
    expect((await answer).data.toString()).toBe('before after')
    await closeBoth(ws)
  })

  it('agrees on no extension by default', async () => {
    const ws = await open()
    expect(ws.extensions).toBe('')
    await closeBoth(ws)
  })

  it.each([
    { code: 1000, reason: 'done' },
    { code: 1001, reason: '' },
    { code: 1011, reason: 'went wrong' },
    { code: 3000, reason: 'grüße' },
    { code: 4999, reason: 'x'.repeat(123) },
  ])('closes with $code, and the server sees it', async ({ code, reason }) => {
    const ws = await open()
    const closed = nextClose(ws)
    ws.close(code, reason)
    expect((await closed).code).toBe(code)
    expect(await echo.nextClose()).toEqual({ code, reason })
  })

  it('closes without a status code, and both sides see 1005', async () => {
    const ws = await open()
    const closed = nextClose(ws)
    ws.close()
    expect(await closed).toEqual({ code: 1005, reason: '' })
    expect(await echo.nextClose()).toEqual({ code: 1005, reason: '' })
  })

  it.each([
    { command: '!close 1000 done', code: 1000, reason: 'done' },
    { command: '!close 1001 going away', code: 1001, reason: 'going away' },
    { command: '!close 4000 grüße', code: 4000, reason: 'grüße' },
    { command: '!close', code: 1005, reason: '' },
  ])('sees the server close with $code', async ({ command, code, reason }) => {
    const ws = await open()
    const closed = nextClose(ws)
    ws.send(command)
    expect(await closed).toEqual({ code, reason })
    expect(await echo.nextClose()).toMatchObject({ code })
  })

  it('sees a dropped connection as 1006', async () => {
    const ws = await open()
    ws.on('error', () => {})
    const closed = nextClose(ws)
    ws.send('!terminate')
    expect((await closed).code).toBe(1006)
    expect(await echo.nextClose()).toMatchObject({ code: 1006 })
  })

  it('that vanishes without a Close frame is seen as 1006', async () => {
    const ws = await open()
    ws.terminate()
    expect(await echo.nextClose()).toEqual({ code: 1006, reason: '' })
  })
})
