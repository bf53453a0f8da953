import { expect, it } from 'vitest'
import { accept, WebSocket, WebSocketServer, type WebSocketServerOptions } from '../../src/index.ts'
import { Child } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { describeWith, programPath } from '../support/programs.ts'
import { runPython } from '../support/python.ts'

/** What both ends say: small, large enough to be compressed, too large to be compressed at once; each twice. */
const MESSAGES = [3, 3000, 100_000, 3, 3000, 100_000].map((length) => 'ab\u00e9'.repeat(length / 3))

const CLIENT = `
import asyncio, json, sys
from tornado.websocket import websocket_connect

async def main():
    ws = await websocket_connect('ws://127.0.0.1:%s/' % sys.argv[1], compression_options={})
    good = 0
    for length in [3, 3000, 100000, 3, 3000, 100000]:
        message = 'ab\u00e9' * (length // 3)
        await ws.write_message(message)
        if await asyncio.wait_for(ws.read_message(), 20) != message:
            break
        good += 1
    print(json.dumps([good, ws.close_code]))
    ws.close()
asyncio.run(main())
`

const SERVER = `
import asyncio
import tornado.httpserver, tornado.netutil, tornado.web, tornado.websocket

class Echo(tornado.websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True
    def get_compression_options(self):
        return {}
    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))

async def main():
    [sock] = tornado.netutil.bind_sockets(0, '127.0.0.1')
    tornado.httpserver.HTTPServer(tornado.web.Application([('/', Echo)])).add_socket(sock)
    print('listening on %d.' % sock.getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
`

async function clientOf(options: WebSocketServerOptions): Promise<unknown> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  server.on('connection', (ws) => {
    ws.on('error', () => {})
    ws.on('message', (data) => ws.send(data as string))
  })
  const { port } = await server.listening
  const seen = await runPython(CLIENT, port, 'python3-tornado')
  for (const ws of server.clients) ws.terminate()
  await within(new Promise((resolve) => server.close(resolve)), 'the server to close')
  return seen
}

describeWith('python3-tornado', 'Tornado, with compression', () => {
  it('gets every message back when its window is kept', async () => {
    expect(await clientOf({ perMessageDeflate: { clientNoContextTakeover: false } })).toEqual([6, null])
  })

  it('gets every message back when its window is kept for it alone', async () => {
    const options: WebSocketServerOptions = {
      perMessageDeflate: true,
      authorize: ({ headers }) => {
        const isTornado = headers['user-agent']?.startsWith('Tornado/') === true
        return accept(undefined, { perMessageDeflate: isTornado ? { clientNoContextTakeover: false } : true })
      },
    }
    expect(await clientOf(options)).toEqual([6, null])
  })

  it('does not heed client_no_context_takeover: its second message ends with 1007 by default', async () => {
    expect(await clientOf({ perMessageDeflate: true })).toEqual([1, 1007])
  })

  it.each([
    ['by default', { threshold: 0 }],
    ['asked for little memory, which it answers in part', { threshold: 0, serverNoContextTakeover: true }],
    ['with windows that are kept', { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false }],
  ])('echoes what our client sends, %s', async (_, perMessageDeflate) => {
    await using server = new Child(programPath('python3-tornado'), ['-c', SERVER])
    const [, port] = await server.printed(/listening on (\d+)\./)
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, [], { perMessageDeflate })
    await within(new Promise<void>((resolve) => ws.once('open', () => resolve())), 'the connection')
    expect(ws.extensions).toBe('permessage-deflate')
    const answers: unknown[] = []
    const all = new Promise<void>((resolve) => {
      ws.on('message', (data) => {
        if (answers.push(data) === MESSAGES.length) resolve()
      })
    })
    for (const message of MESSAGES) ws.send(message)
    await within(all, 'the answers')
    expect(answers).toEqual(MESSAGES)
    ws.terminate()
  })
})
