import { expect, it } from 'vitest'
import { WebSocketServer } from '../../src/server/index.ts'
import { describeWith } from '../support/programs.ts'
import { runPython } from '../support/python.ts'

const SCRIPT = `
import asyncio, json, sys, websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

async def main():
    out = []
    for factory in [ClientPerMessageDeflateFactory(), ClientPerMessageDeflateFactory(client_max_window_bits=True),
                    ClientPerMessageDeflateFactory(server_no_context_takeover=True, server_max_window_bits=10, client_max_window_bits=11)]:
        async with websockets.connect('ws://127.0.0.1:%s/' % sys.argv[1], compression=None, extensions=[factory], max_size=None) as ws:
            good = len(ws.extensions)
            for message in ['Hello', 'Hello', 'x' * 300000, b'\\x00' * 70000, '', 'last']:
                await ws.send(message)
                good += (await ws.recv()) == message
            await ws.send(['fragments ', 'of ', 'one ' * 5000])
            good += (await ws.recv()) == 'fragments of ' + 'one ' * 5000
            out.append(good)
    print(json.dumps(out))
asyncio.run(main())
`

describeWith('python3-websockets', 'python-websockets, with compression', () => {
  it.each([true, false])(
    'gets every message back (no context takeover: %s) [7692-5-15] [7692-6.2-1]',
    async (forget) => {
      const server = new WebSocketServer({
        port: 0,
        host: '127.0.0.1',
        perMessageDeflate: { threshold: 0, serverNoContextTakeover: forget, clientNoContextTakeover: forget },
      })
      server.on('connection', (ws) => {
        ws.on('message', (data, isBinary) => ws.send(data as string, { binary: isBinary }))
      })
      const { port } = await server.listening
      expect(await runPython(SCRIPT, port)).toEqual([8, 8, 8])
      await new Promise((resolve) => server.close(resolve))
    },
  )
})
