import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Utf8Validator } from '../src/frames/index.ts'
import {
  createWebSocketStream,
  deflateMemory,
  WebSocket as MainWebSocket,
  type MessageStream,
  type WebSocket,
  WebSocketServer,
} from '../src/index.ts'
import { inspect } from '../src/inspector/index.ts'
import { Connection } from '../src/protocol/index.ts'
import { scriptedPeer, TestClock } from '../src/testing/index.ts'
import { clientFrame, clientText } from './support/client-frames.ts'
import { ConnectionInMemory } from './support/connection-in-memory.ts'
import { within } from './support/deadline.ts'
import { MemoryTransport, settle } from './support/memory-transport.ts'
import { RecordingListener } from './support/recording-listener.ts'

/** A public member that changes something for longer than the call, and the test that takes the change back. */
type Undo = () => Promise<void> | void

/** What a listener gets when `change` was taken back: all that comes afterwards. */
async function expectListenerGets(change: (ws: WebSocket) => unknown): Promise<void> {
  const { ws, transport } = new ConnectionInMemory()
  await change(ws)
  await transport.arrive(clientText('after'))
  const seen: unknown[] = []
  ws.on('message', (data) => seen.push(data))
  await settle()
  expect(seen).toEqual(['after'])
}

function attribute(name: 'onopen' | 'onmessage' | 'onclose' | 'onerror'): Undo {
  return () => {
    const ws = new MainWebSocket(null)
    ws[name] = () => expect.unreachable()
    ws[name] = null
    expect([ws[name], ws.eventNames()]).toEqual([null, []])
  }
}

function listening(add: 'on' | 'addListener' | 'prependListener'): Undo {
  return () =>
    expectListenerGets((ws) => {
      const listener = (): void => expect.unreachable()
      ws[add]('message', listener)
      ws.off('message', listener)
      expect(ws.eventNames()).toEqual([])
    })
}

function iteration(begin: (ws: WebSocket) => AsyncGenerator<unknown, void, undefined>): Undo {
  return () =>
    expectListenerGets(async (ws) => {
      const iterator = begin(ws)
      const waiting = iterator.next()
      await iterator.return()
      expect((await within(waiting, 'next()')).done).toBe(true)
    })
}

/** A wait of a connection whose peer takes nothing, and the signal that ends it. */
function waiting(begin: (ws: WebSocket, signal: AbortSignal) => Promise<unknown>): Undo {
  return async () => {
    const { ws, transport } = new ConnectionInMemory({ highWaterMark: 1 })
    transport.stall()
    ws.send('x')
    await settle()
    ws.send('y')
    const controller = new AbortController()
    const wait = begin(ws, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(within(wait, 'the end of the wait')).rejects.toBe(reason)
    expect(ws.readyState).toBe(ws.OPEN)
    transport.unstall()
    await ws.drained()
  }
}

/** A reading of a message that does not end, and what leaves it: the connection goes on to the next message. */
function reading(leave: (stream: MessageStream) => Promise<unknown>): Undo {
  return async () => {
    const { ws, transport } = new ConnectionInMemory()
    const streams = ws.streams()
    const first = streams.next()
    await transport.arrive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    await within(leave((await first).value as MessageStream), 'the reader to leave')
    await transport.arrive(clientFrame({ opcode: 0, payload: 'b' }), clientText('next'))
    expect(await ((await streams.next()).value as MessageStream).text()).toBe('next')
  }
}

function readingBy(read: 'bytes' | 'text' | 'json'): Undo {
  return reading(async (stream) => {
    const controller = new AbortController()
    const wait = stream[read]({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
  })
}

const UNDONE: Readonly<Record<string, Readonly<Record<string, Undo>>>> = {
  '.': {
    'WebSocket.addEventListener': () => {
      const ws = new MainWebSocket(null)
      const listener = (): void => expect.unreachable()
      ws.addEventListener('close', listener)
      ws.removeEventListener('close', listener)
      expect(ws.eventNames()).toEqual([])
    },
    'WebSocket.onopen': attribute('onopen'),
    'WebSocket.onmessage': attribute('onmessage'),
    'WebSocket.onclose': attribute('onclose'),
    'WebSocket.onerror': attribute('onerror'),
    'WebSocket.on': listening('on'),
    'WebSocket.addListener': listening('addListener'),
    'WebSocket.prependListener': listening('prependListener'),
    'WebSocket.messages': iteration((ws) => ws.messages()),
    'WebSocket.@@asyncIterator': iteration((ws) => ws[Symbol.asyncIterator]()),
    'WebSocket.streams': iteration((ws) => ws.streams()),
    'WebSocket.pause': () =>
      expectListenerGets((ws) => {
        ws.pause()
        ws.resume()
        expect(ws.isPaused).toBe(false)
      }),
    'WebSocket.binaryType': async () => {
      const { ws, transport } = new ConnectionInMemory()
      ws.binaryType = 'blob'
      ws.binaryType = 'nodebuffer'
      const next = ws.messages().next()
      await transport.arrive(clientFrame({ opcode: 2, payload: 'a' }))
      expect((await next).value).toEqual({ data: Buffer.from('a'), isBinary: true })
    },
    'WebSocket.cork': async () => {
      const connection = new ConnectionInMemory()
      const thrown = new Error('mine')
      expect(() =>
        connection.ws.cork(() => {
          throw thrown
        }),
      ).toThrow(thrown)
      connection.ws.send('a')
      await settle()
      expect(connection.takeFrames()).toEqual(['text "a"'])
    },
    'WebSocket.drained': waiting((ws, signal) => ws.drained({ signal })),
    'WebSocket.sendStream': waiting((ws, signal) => ws.sendStream(['x'], { signal })),
    'MessageStream.@@asyncIterator': reading(async (stream) => {
      const pieces = stream[Symbol.asyncIterator]()
      await pieces.next()
      await pieces.return(undefined)
    }),
    'MessageStream.readable': reading((stream) => stream.readable.cancel()),
    'MessageStream.bytes': readingBy('bytes'),
    'MessageStream.text': readingBy('text'),
    'MessageStream.json': readingBy('json'),
    // Attached to somebody else's server it leaves nothing there.
    'WebSocketServer.listening': async () => {
      const http = createServer()
      const count = (): number[] => http.eventNames().map((event) => http.listenerCount(event))
      const before = count()
      const server = new WebSocketServer({ server: http })
      expect(count()).not.toEqual(before)
      await new Promise<void>((resolve) => server.close(() => resolve()))
      expect(count()).toEqual(before)
    },
    'WebSocketServer.shouldHandle': () => {
      const server = new WebSocketServer({ noServer: true, path: '/chat' })
      const request = { url: '/other' } as Parameters<typeof server.shouldHandle>[0]
      server.shouldHandle = () => true
      expect(server.shouldHandle(request)).toBe(true)
      Reflect.deleteProperty(server, 'shouldHandle')
      expect(server.shouldHandle(request)).toBe(false)
    },
    'WebSocketServer.observe': () => {
      const server = new WebSocketServer({ noServer: true })
      server.observe({ observe: () => expect.unreachable() })()
      const transport = new MemoryTransport()
      server.handleSocket(transport)
      transport.destroy()
    },
    createWebSocketStream: async () => {
      const { ws, transport } = new ConnectionInMemory()
      const stream = createWebSocketStream(ws)
      stream.read()
      stream.destroy()
      await within(ws.closed, 'the end')
      expect([transport.destroyed, ws.eventNames()]).toEqual([true, []])
    },
    'deflateMemory.limit': () => {
      const { limit } = deflateMemory
      deflateMemory.limit = 1000
      deflateMemory.limit = limit
      expect(deflateMemory.limit).toBe(limit)
    },
  },
  './frames': {
    'Utf8Validator.push': () => {
      const validator = new Utf8Validator()
      validator.push(Uint8Array.of(0xc3), 0, 1)
      expect(validator.isComplete).toBe(false)
      validator.reset()
      expect(validator.isComplete).toBe(true)
    },
  },
  './protocol': {
    'Connection.pause': () => {
      const listener = new RecordingListener()
      const connection = new Connection(listener, { role: 'server' })
      connection.pause()
      connection.receive(clientText('a'))
      connection.resume()
      expect([connection.paused, listener.events.length]).toEqual([false, 1])
    },
  },
  './inspector': {
    inspect: async () => {
      const server = new WebSocketServer({ noServer: true })
      const { recorder, close } = await inspect(server, { port: 0 })
      await close()
      const transport = new MemoryTransport()
      server.handleSocket(transport)
      transport.destroy()
      expect(recorder.connections).toEqual([])
    },
  },
  './testing': {
    'ScriptedPeer.pause': async () => {
      const { peer, ws } = scriptedPeer()
      peer.pause()
      peer.resume()
      const next = peer.nextText()
      ws.send('a')
      expect(await within(next, 'a text')).toBe('a')
    },
    'TestClock.setTimeout': async () => {
      const clock = new TestClock()
      clock.clearTimeout(clock.setTimeout(() => expect.unreachable(), 10))
      await clock.advance(20)
    },
  },
}

/** All other members: they tell, or do what is done; what they bring about ends by itself or is for good. */
const FINAL: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'MessageStream: discard isTaken',
    'PreparedMessage: byte0',
    'WebSocket: CLOSED CLOSING CONNECTING OPEN bufferedAmount close closed dropped extensions isPaused ping pong protocol readyState remoteAddress removeAllListeners removeEventListener resume rttMs send terminate url',
    'WebSocketServer: @@asyncDispose address close handleSocket handleUpgrade refusal setSecureContext shutdown stats',
    'functions: accept prepareMessage reject',
    'deflateMemory: used',
  ],
  './frames': [
    'FrameParser: allow begin end halt isIdle isSpent messageOpen parse role rsv1Owned',
    'Utf8Validator: isComplete octet reset',
    'functions: applyMask checkClosePayload checkHeader isControl isReserved isValidOnWire opcodeName parseFrames readReason readStatusCode serializeClosePayload serializeFrame statusCodeLabel',
  ],
  './handshake': [
    'FieldList: @@iterator count get getAll has size',
    'RequestHeadReader: receive takeLeftover text',
    'ResponseHeadReader: receive takeLeftover',
    'functions: acceptKey acceptUpgrade chooseSubprotocol confirmUpgrade formatExtensions generateKey isKey negotiateExtensions parseExtensions parseRequestHead parseResponseHead parseSubprotocols rejectUpgrade requestHeadFrom requestUpgrade serializeRequestHead serializeResponse serializeResponseHead validateUpgrade',
  ],
  './protocol': [
    'Connection: bufferedInput close closeCode closeReason closeReceived controlFrame decodedBytes extensionBytes fail hasBorrowedOutput hasRetained isDecoding isSendingFragments keep mayCompress message messageStart outputDrained outputWritten paused pendingOutput readRetained readyState receive receiveEnd releasedFrames rest resume sendFragment sendMessage sendPing sendPong sentCloseCode streamEnded takeOutput transportClosed transportIntent violation waitingFrames waitingOutput wantsBytes woken',
    'PreparedMessage: byte0',
    'SlabPool: renew reuse',
    'functions: prepareMessage',
  ],
  './ws': [
    'Sender: sendFrame',
    'Server: path refusal',
    'WebSocket: setSocket',
    'WebSocketServer: path refusal',
    'functions: createWebSocketStream',
    'extension: format parse',
    'subprotocol: parse',
  ],
  './inspector': [
    'Annotator: annotation direction end pendingLength push stop take',
    'functions: annotate annotateBoth annotateSession base64 frameTitle hex hexByte inflate meaning offset parseSession requestOf requirementOf sectionLabel sectionLink serializeSession sessionBytes sessionHeaderLine sessionLine sha1',
  ],
  './testing': [
    'ScriptedPeer: destroy end isEnded nextFrame nextText resume sendBinary sendBytes sendClose sendFrame sendText',
    'TestClock: advance clearTimeout now',
    'functions: connectTo connectedPair scriptedPeer',
  ],
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

const root = new URL('../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest

/** Where the members of others begin. */
const FOREIGN: ReadonlySet<unknown> = new Set([
  null,
  Object.prototype,
  Function.prototype,
  Error,
  Error.prototype,
  EventEmitter,
  EventEmitter.prototype,
])

function nameOf(key: string | symbol): string {
  return typeof key === 'string' ? key : (key.description ?? '').replace(/^(Symbol|nodejs)\./, '@@')
}

/** Symbols that are ours are for nobody else. */
function isPublic(key: string | symbol): boolean {
  return typeof key === 'string'
    ? !key.startsWith('_') && key !== 'constructor'
    : !nameOf(key).startsWith('framewright.')
}

function keysUpTo(foreign: ReadonlySet<unknown>, from: object): string[] {
  const keys = new Set<string>()
  for (let holder = from; !foreign.has(holder); holder = Object.getPrototypeOf(holder) as object) {
    for (const key of Reflect.ownKeys(holder)) if (isPublic(key)) keys.add(nameOf(key))
  }
  return [...keys].filter((key) => key !== '@@rejection')
}

/** Objects of classes that are no public names: the public members are those of their types. */
const OBJECTS: Readonly<Record<string, readonly string[]>> = { deflateMemory: ['limit', 'used'] }

/** `name.member` of every class and object with methods, `name` of every function. Tables of constants have none. */
async function membersOf(built: string, foreign: ReadonlySet<unknown>): Promise<string[]> {
  const file = new URL(built.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'), root)
  const members: string[] = []
  for (const [name, value] of Object.entries((await import(file.href)) as Record<string, unknown>)) {
    if (name === 'default' || name === 'module.exports') continue
    if (typeof value === 'function') {
      const isClass = Function.prototype.toString.call(value).startsWith('class')
      if (!isClass) members.push(name)
      else members.push(...keysUpTo(foreign, value.prototype as object).map((key) => `${name}.${key}`))
    } else if (typeof value === 'object' && value !== null) {
      const isTable = Object.getPrototypeOf(value) === Object.prototype && !Object.values(value).some(isFunction)
      const keys = isTable ? [] : (OBJECTS[name] ?? keysUpTo(foreign, value))
      members.push(...keys.map((key) => `${name}.${key}`))
    }
  }
  return members.sort()
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** What `framewright/ws` adds to the classes that it extends. */
const BASES = new Set([...FOREIGN, MainWebSocket.prototype, WebSocketServer.prototype])

/** `WebSocket: url protocol` stands for two members. */
function spread(line: string): string[] {
  const [name = '', members = ''] = line.split(': ')
  return members.split(' ').map((member) => (name === 'functions' ? member : `${name}.${member}`))
}

const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'string' ? [] : [[entry, target.default] as const],
)

describe('what a public member changes', () => {
  it.each(entries)(
    'in %s is known for each: a new one is undone by a test, or stands among the final ones',
    async (entry, built) => {
      const listed = [...Object.keys(UNDONE[entry] ?? {}), ...(FINAL[entry] ?? []).flatMap(spread)]
      expect(await membersOf(built, entry === './ws' ? BASES : FOREIGN)).toEqual(listed.sort())
    },
  )

  describe.each(Object.keys(UNDONE))('in %s', (entry) => {
    it.each(Object.entries(UNDONE[entry]!))('by %s can be undone', (_, undo) => undo())
  })
})
