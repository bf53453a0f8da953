import { afterAll, beforeAll, expect, it } from 'vitest'
import { EchoServer } from '../support/echo-server.ts'
import { describeWith } from '../support/programs.ts'
import { runPython } from '../support/python.ts'

/** The scenarios run in one process: starting an interpreter takes longer than all of them. */
const SCRIPT = `
import asyncio, json, sys
import websockets

URL = "ws://127.0.0.1:%s/" % sys.argv[1]

def connect():
    return websockets.connect(URL, max_size=None)

async def echo(payload):
    async with connect() as ws:
        await ws.send(payload)
        answer = await ws.recv()
        return type(answer) is type(payload) and answer == payload

async def echo_fragments():
    async with connect() as ws:
        await ws.send(["one ", "two ", "three"])
        return await ws.recv()

async def fragmented_reply():
    async with connect() as ws:
        await ws.send("!fragments a b c")
        return await ws.recv()

async def ping():
    async with connect() as ws:
        pong = await ws.ping(b"are you there?")
        await asyncio.wait_for(pong, 10)
        return True

async def close(*args):
    ws = await connect()
    await ws.close(*args)
    return [ws.close_code, ws.close_reason]

async def ask(command):
    ws = await connect()
    await ws.send(command)
    await ws.wait_closed()
    return [ws.close_code, ws.close_reason]

async def main():
    pattern = bytes((i * 31 + (i >> 8)) & 255 for i in range(1 << 20))
    results = {"binary": {}, "text": {}}
    for length in [0, 1, 125, 126, 127, 65535, 65536, 70000, 1 << 20]:
        results["binary"][length] = await echo(pattern[:length])
        results["text"][length] = await echo("x" * length)
    results["unicode"] = await echo("gr\\u00fc\\u00dfe \\u4f60\\u597d \\U0001d11e")
    results["fragments"] = await echo_fragments()
    results["fragmentedReply"] = await fragmented_reply()
    results["ping"] = await ping()
    results["close"] = [await close(1000, "done"), await close(1001), await close(3000, "x" * 123), await close(4999, "gr\\u00fc\\u00dfe")]
    results["asked"] = [await ask("!close 1000 done"), await ask("!close 1001 going away"), await ask("!close 4000 gr\\u00fc\\u00dfe"), await ask("!close"), await ask("!terminate")]
    print(json.dumps(results))

asyncio.run(main())
`

interface Results {
  readonly text: Readonly<Record<string, boolean>>
  readonly binary: Readonly<Record<string, boolean>>
  readonly unicode: boolean
  readonly fragments: string
  readonly fragmentedReply: string
  readonly ping: boolean
  readonly close: ReadonlyArray<readonly [code: number, reason: string]>
  readonly asked: ReadonlyArray<readonly [code: number, reason: string]>
}

describeWith('python3-websockets', 'the client of python3-websockets', () => {
  let echo: EchoServer
  let results: Results

  beforeAll(async () => {
    echo = await EchoServer.start()
    results = (await runPython(SCRIPT, echo.port)) as Results
  })

  afterAll(async () => {
    await echo?.[Symbol.asyncDispose]()
  })

  it.each(['text', 'binary'] as const)('gets %s of every length back', (kind) => {
    const lengths = ['0', '1', '125', '126', '127', '65535', '65536', '70000', '1048576']
    expect(results[kind]).toEqual(Object.fromEntries(lengths.map((length) => [length, true])))
  })

  it('gets text outside ASCII and outside the BMP back', () => {
    expect(results.unicode).toBe(true)
  })

  it('gets a fragmented message back as one, and reads a fragmented reply as one', () => {
    expect(results.fragments).toBe('one two three')
    expect(results.fragmentedReply).toBe('abc')
  })

  it('gets a pong with the payload of its ping', () => {
    expect(results.ping).toBe(true)
  })

  it('closes with its own codes, and gets the same code back', () => {
    expect(results.close.map(([code]) => code)).toEqual([1000, 1001, 3000, 4999])
  })

  it('sees the codes and reasons with which the server closes', () => {
    expect(results.asked).toEqual([
      [1000, 'done'],
      [1001, 'going away'],
      [4000, 'grüße'],
      [1005, ''],
      [1006, ''],
    ])
  })

  it('is seen to close with the codes and reasons it gave', async () => {
    const seen = []
    const expected = [
      // 18 echoes of every length, then text outside ASCII, two of fragments and the ping: each closed with 1000.
      ...Array.from({ length: 22 }, () => ({ code: 1000, reason: '' })),
      { code: 1000, reason: 'done' },
      { code: 1001, reason: '' },
      { code: 3000, reason: 'x'.repeat(123) },
      { code: 4999, reason: 'grüße' },
    ]
    for (let i = 0; i < expected.length; i += 1) seen.push(await echo.nextClose())
    expect(seen).toEqual(expected)
  })
})
