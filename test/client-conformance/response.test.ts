import { describe, expect, it } from 'vitest'
import { concat, cutAt } from '../support/chunkings.ts'
import { acceptance, converse, headOf, serverClose, serverFrame } from './scripted-server.ts'

type Response = ReturnType<typeof acceptance>

/** Responses that a client must not accept, RFC 6455 §4.1: the acceptance with something spoilt. */
const SPOILT: ReadonlyArray<{ name: string; ids: string[]; spoil: (good: Response) => Response }> = [
  ...['HTTP/1.1 200 OK', 'HTTP/1.1 400 Bad Request', 'HTTP/1.1 403 Forbidden', 'HTTP/1.1 503 Unavailable'].map(
    (statusLine) => ({
      name: `the status ${statusLine.slice(9, 12)}`,
      ids: ['6455-4.1-38'],
      spoil: (good: Response) => ({ ...good, statusLine }),
    }),
  ),
  {
    name: 'HTTP/1.0',
    ids: ['6455-4.1-44'],
    spoil: (good) => ({ ...good, statusLine: 'HTTP/1.0 101 Switching Protocols' }),
  },
  { name: 'no Upgrade', ids: ['6455-4.1-39'], spoil: (good) => without(good, 'Upgrade') },
  { name: 'Upgrade: h2c', ids: ['6455-4.1-39'], spoil: (good) => replaced(good, 'Upgrade: websocket', 'Upgrade: h2c') },
  {
    name: 'Upgrade: websocket2',
    ids: ['6455-4.1-39'],
    spoil: (good) => replaced(good, 'Upgrade: websocket', 'Upgrade: websocket2'),
  },
  { name: 'no Connection', ids: ['6455-4.1-40'], spoil: (good) => without(good, 'Connection') },
  {
    name: 'Connection: keep-alive',
    ids: ['6455-4.1-40'],
    spoil: (good) => replaced(good, 'Connection: Upgrade', 'Connection: keep-alive'),
  },
  { name: 'no accept value', ids: ['6455-4.1-41'], spoil: (good) => without(good, 'Sec-WebSocket-Accept') },
  {
    name: 'the accept value of another key',
    ids: ['6455-4.1-41'],
    spoil: (good) => changed(good, /(Accept: ).*/, '$1s3pPLMBiTxaQ9kYGzzhZRbK+xOo='),
  },
  {
    name: 'an accept value in another case',
    ids: ['6455-4.1-41'],
    spoil: (good) => changed(good, /(Accept: )(.*)/, (_, name: string, value: string) => name + swapCase(value)),
  },
  {
    name: 'an empty accept value',
    ids: ['6455-4.1-41'],
    spoil: (good) => changed(good, /(Accept: ).*/, '$1'),
  },
  {
    name: 'two accept values',
    ids: ['6455-4.1-41'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='),
  },
  {
    name: 'an extension that was not offered',
    ids: ['6455-4.1-42'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Extensions: x-framewright'),
  },
  {
    name: 'an unknown extension beside nothing',
    ids: ['6455-4.1-42'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Extensions: foo; bar=1'),
  },
  {
    name: 'a malformed extension list',
    ids: ['6455-9.1-1'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Extensions: ;'),
  },
  {
    name: 'a subprotocol that was not offered',
    ids: ['6455-4.1-43'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Protocol: other'),
  },
  {
    name: 'a subprotocol in another case',
    ids: ['6455-4.1-43'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Protocol: CHAT'),
  },
  {
    name: 'two subprotocols in one line',
    ids: ['6455-4.1-43'],
    spoil: (good) => with_(good, 'Sec-WebSocket-Protocol: chat, superchat'),
  },
  {
    name: 'two subprotocols in two lines',
    ids: ['6455-11.3.4-2'],
    spoil: (good) => with_(with_(good, 'Sec-WebSocket-Protocol: chat'), 'Sec-WebSocket-Protocol: chat'),
  },
]

function with_(good: Response, line: string): Response {
  return { ...good, lines: [...good.lines, line] }
}

function without(good: Response, name: string): Response {
  return { ...good, lines: good.lines.filter((line) => !line.startsWith(`${name}:`)) }
}

function replaced(good: Response, line: string, by: string): Response {
  return { ...good, lines: good.lines.map((other) => (other === line ? by : other)) }
}

function changed(good: Response, pattern: RegExp, by: string | ((...groups: string[]) => string)): Response {
  return { ...good, lines: good.lines.map((line) => line.replace(pattern, by as string)) }
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
}

const GREETING = concat(serverFrame({ opcode: 1, payload: 'hello' }), serverClose(1000, 'bye'))
const GREETED = ['text "hello"', 'close 1000 "bye"']

describe('the client and the response to its handshake', () => {
  it.each(SPOILT.map((row) => ({ ...row, brackets: row.ids.map((id) => `[${id}]`).join(' ') })))(
    'fails with 1006 at a response with $name, and takes no frame behind it $brackets [6455-4.1-44]',
    async ({ ids, spoil }) => {
      for (const cut of [
        (bytes: Uint8Array) => [bytes],
        (bytes: Uint8Array) => cutAt(bytes, [1, 20, bytes.length - 2]),
      ]) {
        const { events, sent } = await converse((request) =>
          cut(concat(headOf(spoil(acceptance(request))), GREETING)), () => {}, ['chat', 'superchat'])
        expect({ events, sent }).toEqual({ events: [`error ${ids[0]}`, 'close 1006 ""'], sent: [] })
      }
    },
  )

  it.each([
    { name: 'as servers write it', spoil: (good: Response) => good, opened: 'open' },
    {
      name: 'with other cases',
      spoil: (good: Response) => ({
        ...good,
        lines: good.lines.map((line) =>
          line
            .replace(/^[^:]*/, (name) => name.toUpperCase())
            .replace(' websocket', ' WebSocket')
            .replace(' Upgrade', ' upgrade'),
        ),
      }),
      opened: 'open',
    },
    {
      name: 'with Connection as a list',
      spoil: (good: Response) => replaced(good, 'Connection: Upgrade', 'Connection: keep-alive, Upgrade'),
      opened: 'open',
    },
    {
      name: 'with unknown fields and another reason phrase',
      spoil: (good: Response) => ({
        ...with_(good, 'X-Foo: 1'),
        statusLine: 'HTTP/1.1 101 Web Socket Protocol Handshake',
      }),
      opened: 'open',
    },
    {
      name: 'without a reason phrase',
      spoil: (good: Response) => ({ ...good, statusLine: 'HTTP/1.1 101 ' }),
      opened: 'open',
    },
    {
      name: 'with a subprotocol that was offered',
      spoil: (good: Response) => with_(good, 'Sec-WebSocket-Protocol: superchat'),
      opened: 'open superchat',
    },
  ])(
    'opens at a response $name, and takes the frames glued to it [6455-4.1-38] [6455-4.1-39] [6455-4.1-40] [6455-4.1-41] [6455-4.1-43]',
    async ({ spoil, opened }) => {
      const streams = [
        (bytes: Uint8Array) => [bytes],
        (bytes: Uint8Array) => Array.from(bytes, (octet) => Uint8Array.of(octet)),
      ]
      for (const cut of streams) {
        const { events, sent } = await converse(
          (request) => cut(concat(headOf(spoil(acceptance(request))), GREETING)),
          () => {},
          opened === 'open' ? [] : ['chat', 'superchat'],
        )
        expect({ events, sent }).toEqual({ events: [opened, ...GREETED], sent: ['close 1000 ""'] })
      }
    },
  )

  it('sends a request that is right to the letter, with a new key each time [6455-4.1-2] [6455-4.1-18] [6455-4.1-19] [6455-4.1-20] [6455-4.1-21] [6455-4.1-22] [6455-4.1-23] [6455-4.1-24] [6455-4.1-25] [6455-4.1-26] [6455-4.1-27] [6455-4.1-28] [6455-4.1-31] [6455-11.3.1-1] [6455-11.3.5-2]', async () => {
    const heads: string[] = []
    const keys = new Set<string>()
    let url = ''
    for (let i = 0; i < 20; i += 1) {
      const conversation = await converse((request) => {
        heads.push(request.head)
        keys.add(request.fields.get('sec-websocket-key')!)
        return [concat(headOf(acceptance(request)), serverClose(1000))]
      })
      url = conversation.url
      expect(heads.at(-1)!.split('\r\n')).toEqual(
        expect.arrayContaining([
          'GET / HTTP/1.1',
          `Host: ${new URL(url).host}`,
          'Upgrade: websocket',
          'Connection: Upgrade',
          'Sec-WebSocket-Version: 13',
        ]),
      )
    }
    for (const head of heads) {
      expect(head).toMatch(/^GET \/ HTTP\/1\.1\r\n(?:[A-Za-z-]+: [!-~](?:[ !-~]*[!-~])?\r\n)+\r\n$/)
      for (const name of ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version']) {
        expect(head.match(new RegExp(`^${name}: `, 'gim'))).toHaveLength(1)
      }
    }
    expect(keys.size).toBe(20)
    for (const key of keys) {
      expect(Buffer.from(key, 'base64')).toHaveLength(16)
      expect(key).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    }
  })
})
