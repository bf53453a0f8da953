import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { EchoServer } from './echo-server.ts'

/**
 * What every client with the browsers' `WebSocket` interface is asked to do: Chromium and Node's own run the same lines. The source
 * is plain JavaScript, sent to where the client lives; each function resolves to a value that survives JSON.
 */
const CLIENT_SOURCE = `
const open = (url, protocols = []) => new Promise((resolve, reject) => {
  const ws = new WebSocket(url, protocols)
  ws.binaryType = 'arraybuffer'
  ws.onopen = () => resolve(ws)
  ws.onerror = () => reject(new Error('the connection could not be opened'))
})
const nextMessage = (ws) => new Promise((resolve, reject) => {
  ws.onmessage = ({ data }) => resolve(data)
  ws.onclose = ({ code }) => reject(new Error('closed with ' + code + ' before a message'))
})
const nextClose = (ws) => new Promise((resolve) => {
  ws.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean })
})
const pattern = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255)

const client = {
  async echoText(url, text) {
    const ws = await open(url)
    const answer = nextMessage(ws)
    ws.send(text)
    const data = await answer
    ws.onclose = null
    ws.close(1000)
    return data
  },
  async echoLongText(url, length) {
    const text = 'x'.repeat(length)
    return (await this.echoText(url, text)) === text ? length : 'something else'
  },
  async echoBytes(url, length) {
    const ws = await open(url)
    const bytes = pattern(length)
    const answer = nextMessage(ws)
    ws.send(bytes)
    const data = await answer
    ws.onclose = null
    ws.close(1000)
    if (!(data instanceof ArrayBuffer)) return typeof data
    const received = new Uint8Array(data)
    return received.length === length && received.every((byte, i) => byte === bytes[i]) ? length : 'something else'
  },
  async echoInOrder(url, count) {
    const ws = await open(url)
    const received = []
    const all = new Promise((resolve) => {
      ws.onmessage = ({ data }) => {
        received.push(typeof data === 'string' ? data : new Uint8Array(data)[0])
        if (received.length === count) resolve()
      }
    })
    for (let i = 0; i < count; i += 1) ws.send(i % 2 === 0 ? String(i) : Uint8Array.of(i))
    await all
    ws.close(1000)
    return received
  },
  async close(url, ...args) {
    const ws = await open(url)
    const closed = nextClose(ws)
    ws.close(...args)
    return await closed
  },
  async ask(url, command) {
    const ws = await open(url)
    const closed = nextClose(ws)
    ws.send(command)
    return await closed
  },
  async sendTooMuch(url, length) {
    const ws = await open(url)
    const closed = nextClose(ws)
    ws.send(new Uint8Array(length))
    return await closed
  },
}
`

const MIB = 1024 * 1024

/**
 * Tests for one such client.
 *
 * @param evaluate Runs JavaScript, an expression that may be a promise, where the client lives, and returns its value.
 */
export function itSpeaksToWhatwgClient(evaluate: (source: string) => Promise<unknown>): void {
  let echo: EchoServer
  let hasCloses = false
  const call = async (name: string, ...args: readonly unknown[]): Promise<unknown> => {
    const values = [echo.url, ...args].map((value) => JSON.stringify(value)).join(', ')
    return await evaluate(`(async () => { ${CLIENT_SOURCE}; return await client.${name}(${values}) })()`)
  }

  beforeAll(async () => {
    echo = await EchoServer.start()
  })
  beforeEach(async () => {
    // Every echo ends with a close of its own; leave none behind for the next test.
    if (hasCloses) await echo.nextClose()
    hasCloses = false
  })
  afterAll(async () => {
    await echo?.[Symbol.asyncDispose]()
  })

  it.each([
    { name: 'a text message', text: 'hello' },
    { name: 'text outside ASCII and outside the BMP', text: 'grüße, 你好, 𝄞' },
    { name: 'an empty text message', text: '' },
    { name: 'text with NUL and line breaks', text: 'a\0b\r\nc' },
  ])('echoes $name', async ({ text }) => {
    hasCloses = true
    expect(await call('echoText', text)).toBe(text)
  })

  it.each([
    { name: '70 KB of text', length: 70_000 },
    { name: '1 MiB of text, the default limit', length: MIB },
  ])('echoes $name', async ({ length }) => {
    hasCloses = true
    expect(await call('echoLongText', length)).toBe(length)
  })

  // The edges of the three encodings of the payload length, RFC 6455 §5.2.
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000, MIB])('echoes %i bytes of binary', async (length) => {
    hasCloses = true
    expect(await call('echoBytes', length)).toBe(length)
  })

  it('echoes many messages of one tick in order', async () => {
    hasCloses = true
    const expected = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? String(i) : i))
    expect(await call('echoInOrder', 200)).toEqual(expected)
  })

  it.each([
    { args: [1000, 'done'], code: 1000, reason: 'done' },
    { args: [1000], code: 1000, reason: '' },
    { args: [3000, 'grüße'], code: 3000, reason: 'grüße' },
    { args: [4999, 'x'.repeat(123)], code: 4999, reason: 'x'.repeat(123) },
  ])('sees the client close with $code and a reason of $reason.length characters', async ({ args, code, reason }) => {
    expect(await call('close', ...args)).toMatchObject({ code, wasClean: true })
    expect(await echo.nextClose()).toEqual({ code, reason })
  })

  it('sees the client close without a status code as 1005', async () => {
    expect(await call('close')).toMatchObject({ code: 1005, wasClean: true })
    expect(await echo.nextClose()).toEqual({ code: 1005, reason: '' })
  })

  it.each([
    { command: '!close 1000 done', code: 1000, reason: 'done' },
    { command: '!close 1001 going away', code: 1001, reason: 'going away' },
    { command: '!close 1011', code: 1011, reason: '' },
    { command: '!close 4000 grüße', code: 4000, reason: 'grüße' },
    { command: '!close', code: 1005, reason: '' },
  ])('shows the client a close with $code', async ({ command, code, reason }) => {
    expect(await call('ask', command)).toEqual({ code, reason, wasClean: true })
    expect(await echo.nextClose()).toMatchObject({ code })
  })

  it('shows the client a dropped connection as 1006', async () => {
    expect(await call('ask', '!terminate')).toEqual({ code: 1006, reason: '', wasClean: false })
    expect(await echo.nextClose()).toMatchObject({ code: 1006 })
  })

  it('shows the client 1009 for a message over the limit', async () => {
    expect(await call('sendTooMuch', MIB + 1)).toMatchObject({ code: 1009 })
    await echo.nextClose()
  })
}
