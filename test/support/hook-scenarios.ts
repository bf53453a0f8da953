import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { within } from './deadline.ts'
import { type HookBench, portOf } from './hook-bench.ts'
import { upgradeRequest } from './raw-socket.ts'

/** Takes a hostile value that a promise of the test itself carries: looking at it is what the engine has to survive. */
function toldElsewhere(_hostile: unknown): void {}

/** Has one hook fail, in a way in which the application of somebody might have it. */
export type Scenario = (bench: HookBench) => Promise<void>

/** One scenario or more for every hook of `listHooks()`. */
export const SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  // Options of a server.
  'WebSocketServerOptions.authorize': [(bench) => dialIn(bench, { authorize: bench.fail })],
  'WebSocketServerOptions.verifyClient': [
    (bench) => dialIn(bench, { verifyClient: (_info: unknown) => bench.fail() }),
    (bench) => dialIn(bench, { verifyClient: (_info: unknown, _callback: unknown) => bench.fail() }),
    (bench) => dialIn(bench, { verifyClient: (_info: unknown) => bench.fail(), authorize: () => null }),
  ],
  'WebSocketServerOptions.handleProtocols': [(bench) => dialIn(bench, { handleProtocols: bench.fail })],
  'WebSocketServerOptions.WebSocket': [
    async (bench) => {
      const { fail } = bench
      class Failing extends WebSocket {
        constructor() {
          super(null)
          // A promise of a constructor is nobody's: only what it throws is told.
          const late = fail() as unknown
          if (late instanceof Promise) {
            late.catch(toldElsewhere)
            throw new Error('late')
          }
        }
      }
      await dialIn(bench, { WebSocket: Failing as never })
    },
  ],
  'SocketOptions.slowConsumer': [
    async (bench) => {
      const { ws } = await bench.deafPeer({ maxBackpressure: 1 << 16, slowConsumer: bench.fail })
      for (let i = 0; i < 2000 && bench.reports.length === 0; i++) ws.send(Buffer.alloc(64 << 10))
      await bench.reported()
    },
  ],
  'PerMessageDeflateOptions.compress': [
    async (bench) => {
      const options = { perMessageDeflate: { threshold: 0, compress: bench.fail } }
      const { ws } = await bench.pair(options, { perMessageDeflate: true })
      // Thrown at the sender, or told like the fault of any handler.
      try {
        ws.send('hello')
      } catch (error) {
        bench.reports.push(error)
      }
      await bench.reported()
    },
  ],

  // Options of a client.
  'ClientOptions.createConnection': [
    async (bench) => {
      bench.dial(await bench.serve(), { createConnection: bench.fail as never })
      await bench.reported()
    },
  ],
  'ClientOptions.finishRequest': [
    async (bench) => {
      bench.dial(await bench.serve(), { finishRequest: bench.fail })
      await bench.reported()
    },
  ],
  'ClientOptions.generateMask': [
    async (bench) => {
      const { client } = await bench.pair({}, { generateMask: bench.fail })
      client.send('hello')
      await bench.reported()
    },
    async (bench) => {
      const { ws } = await bench.pair({}, { generateMask: bench.fail })
      ws.ping()
      await bench.reported()
    },
  ],
  'ClientOptions.lookup': [
    async (bench) => {
      bench.dial(await bench.serve(), { lookup: bench.fail }, 'ws', 'localhost')
      await bench.reported()
    },
    async (bench) => {
      const lookup = (_host: string, _options: unknown, callback: (error: Error) => void): void =>
        callback(caught(bench) as Error)
      bench.dial(await bench.serve(), { lookup: lookup as never }, 'ws', 'localhost')
      await bench.reported()
    },
  ],

  // Events of a server.
  'WebSocketServerEvents.connection': [(bench) => listenOn(bench, 'connection')],
  'WebSocketServerEvents.headers': [(bench) => listenOn(bench, 'headers')],
  'WebSocketServerEvents.wsClientError': [
    async (bench) => {
      const server = await bench.serve()
      server.on('wsClientError', bench.fail)
      bench.say(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await bench.reported()
    },
  ],
  'WebSocketServerEvents.connectionError': [
    async (bench) => {
      const server = await bench.serve()
      server.on('connectionError', bench.fail)
      bench.say(server, 'nonsense\r\n\r\n')
      await bench.reported()
    },
  ],
  'WebSocketServerEvents.listening': [
    async (bench) => {
      bench.use(new WebSocketServer({ port: 0, host: '127.0.0.1' })).on('listening', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketServerEvents.error': [
    async (bench) => {
      const taken = portOf(await bench.serve())
      bench.use(new WebSocketServer({ port: taken, host: '127.0.0.1' })).on('error', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketServerEvents.close': [
    async (bench) => {
      const server = await bench.serve()
      server.on('close', bench.fail)
      server.close()
      await bench.reported()
    },
  ],

  // Events of a connection.
  'WebSocketEvents.message': [
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.on('message', bench.fail)
      client.send('hello')
      await bench.reported()
    },
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.onmessage = bench.fail
      client.send('hello')
      await bench.reported()
    },
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.addEventListener('message', { handleEvent: bench.fail })
      client.send('hello')
      await bench.reported()
    },
    async (bench) => {
      // A listener that comes late.
      const { ws, client } = await bench.pair()
      client.send('hello')
      client.ping()
      await within(once(ws, 'ping'), 'the ping')
      ws.on('message', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketEvents.ping': [
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.on('ping', bench.fail)
      client.ping()
      await bench.reported()
    },
  ],
  'WebSocketEvents.pong': [
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.on('pong', bench.fail)
      client.pong()
      await bench.reported()
    },
  ],
  'WebSocketEvents.drain': [
    async (bench) => {
      const { ws } = await bench.pair({ highWaterMark: 1 })
      ws.on('drain', bench.fail)
      ws.send('hello')
      await bench.reported()
    },
  ],
  'WebSocketEvents.close': [
    async (bench) => {
      const { ws, client } = await bench.pair()
      ws.on('close', bench.fail)
      client.close()
      await bench.reported()
    },
    async (bench) => {
      const client = bench.dial(1)!
      client.on('close', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketEvents.error': [
    async (bench) => {
      const { ws, client } = await bench.pair({ maxPayload: 1 })
      ws.on('error', bench.fail)
      client.send('too long')
      await bench.reported()
    },
    async (bench) => {
      const client = bench.dial(1)!
      client.on('error', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketEvents.open': [
    async (bench) => {
      const client = bench.dial(await bench.serve({ subprotocols: ['chat'] }))!
      client.on('open', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketEvents.upgrade': [
    async (bench) => {
      const client = bench.dial(await bench.serve({ subprotocols: ['chat'] }))!
      client.on('upgrade', bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketEvents.redirect': [
    (bench) =>
      answer(bench, 'HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n', (client) =>
        client.on('redirect', bench.fail),
      ),
  ],
  'WebSocketEvents.unexpected-response': [
    (bench) =>
      answer(bench, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', (client) =>
        client.on('unexpected-response', bench.fail),
      ),
  ],

  // Callbacks.
  'WebSocket.send(callback)': [
    async (bench) => {
      const { ws } = await bench.pair()
      ws.send('hello', {}, bench.fail)
      await bench.reported()
    },
    async (bench) => {
      const { ws } = await bench.pair()
      ws.send(new Blob(['hello']), {}, bench.fail)
      await bench.reported()
    },
    async (bench) => {
      // One that cannot be sent when its turn comes.
      const { ws } = await bench.pair()
      ws.send(new Blob(['\xff']), { binary: false, fin: false })
      ws.send(new Blob([Uint8Array.of(0xff)]), { binary: false }, bench.fail)
      await bench.reported()
    },
    async (bench) => {
      const { ws } = await bench.deafPeer({ softBackpressure: Number.POSITIVE_INFINITY })
      while (ws.send(Buffer.alloc(256 << 10)));
      ws.send('waits', {}, bench.fail)
      ws.terminate()
      await bench.reported()
    },
    async (bench) => {
      const { ws, client } = await bench.pair()
      client.terminate()
      await within(ws.closed, 'the end')
      ws.send('late', {}, bench.fail)
      await bench.reported()
    },
    async (bench) => {
      const client = bench.dial(1)!
      await within(client.closed, 'the end')
      client.send('late', {}, bench.fail)
      await bench.reported()
    },
  ],
  'WebSocket.send(options)': [
    async (bench) => {
      const { ws } = await bench.pair()
      ws.send('hello', bench.fail)
      await bench.reported()
    },
  ],
  ...controls('ping'),
  ...controls('pong'),
  'WebSocketServer.constructor(callback)': [
    async (bench) => {
      bench.use(new WebSocketServer({ port: 0, host: '127.0.0.1' }, bench.fail))
      await bench.reported()
    },
  ],
  'WebSocketServer.close(callback)': [
    async (bench) => {
      const server = await bench.serve()
      server.close(bench.fail)
      await bench.reported()
    },
    async (bench) => {
      const server = await bench.serve()
      await within(server.shutdown(), 'the shutdown')
      server.close(bench.fail)
      await bench.reported()
    },
  ],
  'WebSocketServer.handleUpgrade(callback)': [
    async (bench) => {
      const http = createServer().listen(0, '127.0.0.1')
      await within(once(http, 'listening'), 'an http server')
      const server = bench.use(new WebSocketServer({ noServer: true, subprotocols: ['chat'] }))
      http.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head, bench.fail))
      bench.dial((http.address() as AddressInfo).port)
      await bench.reported()
      http.close()
    },
  ],

  // Methods that a subclass may have.
  'WebSocketServer.shouldHandle': [
    async (bench) => {
      const server = await bench.serve()
      Object.assign(server, { shouldHandle: bench.fail })
      bench.say(server, upgradeRequest(portOf(server)))
      await bench.reported()
    },
    async (bench) => {
      const http = createServer().listen(0, '127.0.0.1')
      await within(once(http, 'listening'), 'an http server')
      Object.assign(bench.use(new WebSocketServer({ server: http })), { shouldHandle: bench.fail })
      bench.dial((http.address() as AddressInfo).port)
      await bench.reported()
      http.close()
    },
  ],
  'WebSocketServer.refusal': [
    async (bench) => {
      const server = await bench.serve()
      Object.assign(server, { refusal: bench.fail })
      bench.say(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await bench.reported()
    },
  ],

  // Whoever looks at connections.
  'ConnectionObserver.observe': [
    async (bench) => {
      const server = await bench.serve({ subprotocols: ['chat'] })
      server.observe({ observe: bench.fail })
      bench.dial(server)
      await bench.reported()
    },
  ],
  ...taps(),
}

/** Hooks that need no scenario, and why. */
export const EXEMPT: Readonly<Record<string, string>> = {
  'ConnectionOptions.maskingKey': 'of the connection without I/O: its driver is told in the call',
  'WebSocket.cork(send)': 'runs in the call, and what it throws is thrown by the call',
  'ClientOptions.checkServerIdentity': 'has its own test, with a certificate',
}

function dialIn(bench: HookBench, options: object): Promise<void> {
  return bench.serve(options).then((server) => {
    bench.dial(server)
    return bench.reported()
  })
}

async function listenOn(bench: HookBench, event: 'connection' | 'headers'): Promise<void> {
  const server = await bench.serve({ subprotocols: ['chat'] })
  server.on(event, bench.fail)
  bench.dial(server)
  await bench.reported()
}

function controls(method: 'ping' | 'pong'): Record<string, readonly Scenario[]> {
  const scenario =
    (send: (ws: WebSocket, fail: () => never) => void): Scenario =>
    async (bench) => {
      const { ws } = await bench.pair()
      send(ws, bench.fail)
      await bench.reported()
    }
  return {
    [`WebSocket.${method}(callback)`]: [scenario((ws, fail) => ws[method]('', true, fail))],
    [`WebSocket.${method}(mask)`]: [scenario((ws, fail) => ws[method]('', fail))],
    [`WebSocket.${method}(data)`]: [scenario((ws, fail) => ws[method](fail))],
  }
}

/** An observer whose every function fails: each is heard of, one connection after the other. */
function taps(): Record<string, readonly Scenario[]> {
  const names = [
    'received',
    'sent',
    'receivedEnd',
    'sentEnd',
    'opened',
    'closing',
    'destroyed',
    'closed',
    'refused',
    'failed',
  ]
  const scenarios: Record<string, readonly Scenario[]> = {}
  for (const name of names) {
    scenarios[`ConnectionTap.${name}`] = [
      async (bench) => {
        const server = await bench.serve({ subprotocols: ['chat'] })
        server.observe({ observe: () => ({ [name]: bench.fail }) })
        const connected = once(server, 'connection')
        const client = bench.dial(server)!
        await within(once(client, 'open'), 'open')
        const [ws] = (await within(connected, 'the connection')) as [WebSocket]
        client.send('hello')
        if (name === 'refused') bench.say(server, 'nonsense\r\n\r\n')
        else if (name === 'destroyed') ws.terminate()
        else if (name === 'failed') await bench.reset(server)
        else client.close()
        await bench.reported()
      },
    ]
  }
  return scenarios
}

/** A server of one answer. */
async function answer(bench: HookBench, response: string, listen: (client: WebSocket) => void): Promise<void> {
  const http = createServer().listen(0, '127.0.0.1')
  await within(once(http, 'listening'), 'an http server')
  http.on('upgrade', (_request, socket) => {
    socket.on('error', () => {})
    socket.end(response)
  })
  const client = bench.dial((http.address() as AddressInfo).port, { followRedirects: true })!
  listen(client)
  await bench.reported()
  http.close()
}

/** The hostile value itself. */
function caught(bench: HookBench): unknown {
  try {
    const late: unknown = bench.fail()
    if (late instanceof Promise) late.catch(toldElsewhere)
    return late
  } catch (thrown) {
    return thrown
  }
}
