import { getEventListeners, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { UsageError } from '../../src/errors.ts'
import { WebSocketServer } from '../../src/index.ts'
import { transportOf, WebSocket } from '../../src/socket/websocket.ts'
import { clientClose, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { until } from '../support/deferred.ts'
import { settle } from '../support/memory-transport.ts'

type Listened = Pick<WebSocket, 'addEventListener' | 'removeEventListener' | 'onopen' | 'emit' | 'on' | 'off' | 'once'>

const CLASSES: ReadonlyArray<[name: string, make: () => Listened]> = [
  ['framewright', () => new WebSocket(null)],
  ['ws', () => new WsWebSocket(null, undefined, {}) as unknown as WebSocket],
]

describe.each(CLASSES)('a listener of %s', (_, make) => {
  it('is gone when its attribute is set to null, or to another', () => {
    const ws = make()
    const seen: string[] = []
    ws.onopen = () => seen.push('first')
    ws.onopen = () => seen.push('second')
    ws.emit('open')
    ws.onopen = null
    ws.emit('open')
    expect([seen, ws.onopen]).toEqual([['second'], null])
  })

  it('is added once only, and gone when it is removed', () => {
    const ws = make()
    const seen: string[] = []
    const listener = (): unknown => seen.push('called')
    ws.addEventListener('open', listener)
    ws.addEventListener('open', listener)
    ws.addEventListener('open', listener, { once: true })
    ws.emit('open')
    expect(seen).toEqual(['called'])
    ws.removeEventListener('open', listener)
    ws.emit('open')
    expect(seen).toEqual(['called'])
  })

  it('is another than the attribute, and than the listener of on(), though it is the same function', () => {
    const ws = make()
    const seen: unknown[] = []
    const listener = (event?: unknown): unknown => seen.push(event === undefined ? 'emitter' : 'event')
    ws.onopen = listener
    ws.addEventListener('open', listener)
    ws.on('open', listener)
    ws.once('open', listener)
    ws.emit('open')
    expect(seen.splice(0).sort()).toEqual(['emitter', 'emitter', 'event', 'event'])
    ws.off('open', listener)
    ws.emit('open')
    expect(seen.splice(0)).toEqual(['event', 'event'])
    ws.removeEventListener('open', listener)
    ws.emit('open')
    expect(seen.splice(0)).toEqual(['event'])
    expect(ws.onopen).toBe(listener)
    ws.onopen = null
    ws.emit('open')
    expect(seen).toEqual([])
  })
})

/*
 * Where Node's EventTarget and the standards part: DOM §2.7 (`add an event listener`, `inner invoke`) and HTML §8.1.8.1
 * (`deactivate an event handler`). Browsers do as the standards say, and so do we.
 */
describe('a listener', () => {
  it('that is added while an event is being told hears of the next one', () => {
    const ws = new WebSocket(null)
    const seen: string[] = []
    ws.addEventListener('open', () => ws.addEventListener('open', () => seen.push('new')), { once: true })
    ws.addEventListener('open', () => seen.push('old'))
    ws.emit('open')
    expect(seen).toEqual(['old'])
    ws.emit('open')
    expect(seen).toEqual(['old', 'old', 'new'])
  })

  it('in an attribute has the place of the one that it replaces, and a new one after null', () => {
    const ws = new WebSocket(null)
    const seen: string[] = []
    ws.onopen = () => seen.push('first')
    ws.addEventListener('open', () => seen.push('listener'))
    ws.onopen = () => seen.push('second')
    ws.emit('open')
    expect(seen.splice(0)).toEqual(['second', 'listener'])
    ws.onopen = null
    ws.onopen = () => seen.push('third')
    ws.emit('open')
    expect(seen).toEqual(['listener', 'third'])
  })

  it('in an attribute that is set to null while the event is being told is not told any more', () => {
    const ws = new WebSocket(null)
    const seen: string[] = []
    ws.addEventListener('open', () => {
      ws.onopen = null
    })
    ws.onopen = () => seen.push('called')
    ws.emit('open')
    expect(seen).toEqual([])
  })

  it('that was there is not removed by the signal of a second addition', () => {
    const ws = new WebSocket(null)
    const controller = new AbortController()
    let count = 0
    const listener = (): unknown => count++
    ws.addEventListener('open', listener)
    ws.addEventListener('open', listener, { signal: controller.signal })
    controller.abort()
    ws.emit('open')
    expect(count).toBe(1)
  })

  it('leaves nothing on a signal that lives on, however it goes', () => {
    const ws = new WebSocket(null)
    const { signal } = new AbortController()
    const counts: number[] = []
    const look = (): unknown => counts.push(getEventListeners(signal, 'abort').length)
    const listener = (): void => {}
    ws.addEventListener('open', listener, { signal })
    look()
    ws.removeEventListener('open', listener)
    look()
    ws.addEventListener('open', listener, { signal, once: true })
    ws.emit('open')
    look()
    ws.addEventListener('close', listener, { signal })
    ws.removeAllListeners('close')
    look()
    ws.addEventListener('close', listener, { signal })
    ws.removeAllListeners()
    look()
    expect(counts).toEqual([1, 0, 0, 0, 0])
    expect(ws.eventNames()).toEqual([])
  })

  it('is told apart by capture, also when that stands for all options', () => {
    const ws = new WebSocket(null)
    let count = 0
    const listener = (): unknown => count++
    ws.addEventListener('open', listener, true)
    ws.removeEventListener('open', listener)
    ws.removeEventListener('open', listener, { capture: false })
    ws.emit('open')
    expect(count).toBe(1)
    ws.removeEventListener('open', listener, true)
    ws.emit('open')
    expect(count).toBe(1)
  })

  it('may be null, which adds nothing; what is none is refused', () => {
    const ws = new WebSocket(null)
    ws.addEventListener('open', null)
    ws.removeEventListener('open', null)
    ws.addEventListener('close', () => {}, { signal: AbortSignal.abort() })
    expect(ws.eventNames()).toEqual([])
    expect(() => ws.addEventListener('open', 'f' as unknown as () => void)).toThrow(UsageError)
  })

  it('in an attribute gets what waited for it, and leaves what comes after it to the next', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'))
    const seen: unknown[] = []
    ws.onmessage = ({ data }) => {
      seen.push(data)
      ws.onmessage = null
    }
    await settle()
    await transport.arrive(clientText('b'))
    await settle()
    expect(seen).toEqual(['a'])
    ws.addEventListener('message', ({ data }) => seen.push(data))
    await settle()
    expect(seen).toEqual(['a', 'b'])
  })

  it.each([
    ['both Close frames were exchanged', true, (c: ConnectionInMemory) => c.transport.arrive(clientClose(1000))],
    ['the transport broke', false, async (c: ConnectionInMemory) => c.transport.destroy()],
  ])('of close hears that wasClean is what closed says when %s', async (_, wasClean, end) => {
    const connection = new ConnectionInMemory()
    const closes: unknown[] = []
    connection.ws.onclose = (event) => closes.push(event.wasClean)
    await end(connection)
    connection.transport.destroy()
    const info = await connection.ws.closed
    expect([closes, info.wasClean]).toEqual([[wasClean], wasClean])
  })
})

/** A client that comes back when its connection ends, in the shape of the package `reconnecting-websocket`. */
class Reconnecting {
  readonly #make: () => WebSocket
  #ws!: WebSocket
  #wantsMore = true
  attempts = 0

  constructor(make: () => WebSocket) {
    this.#make = make
    this.#connect()
  }

  close(): void {
    this.#wantsMore = false
    this.#disconnect()
  }

  #connect(): void {
    this.attempts++
    this.#ws = this.#make()
    this.#ws.addEventListener('message', this.#onMessage)
    this.#ws.addEventListener('close', this.#onClose)
    this.#ws.addEventListener('error', this.#onError)
  }

  /** Lets go of a connection, and does not wait for its end. */
  #disconnect(): void {
    this.#ws.removeEventListener('message', this.#onMessage)
    this.#ws.removeEventListener('close', this.#onClose)
    this.#ws.removeEventListener('error', this.#onError)
    this.#ws.onerror = () => {}
    this.#ws.close()
    this.#onClose()
  }

  #onMessage = (): void => {}

  #onError = (): void => this.#disconnect()

  #onClose = (): void => {
    // A fault doubles the connections; the test need not wait for the end of the machine.
    if (this.#wantsMore && this.attempts < 20) this.#connect()
  }
}

describe.each([
  ['framewright', (url: string) => new WebSocket(url)],
  ['ws', (url: string) => new WsWebSocket(url) as unknown as WebSocket],
])('a client of %s that reconnects', (_, make) => {
  it('has one connection after some that failed, and none when it is closed', async () => {
    await using server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await server.listening
    const FAILURES = 3
    let connections = 0
    server.on('connection', (ws) => {
      ws.on('error', () => {})
      // A frame with a reserved opcode, which a client answers with `error` and `close`.
      if (++connections <= FAILURES) transportOf(ws)?.write(Uint8Array.of(0x83, 0))
    })
    const client = new Reconnecting(() => make(`ws://127.0.0.1:${port}`))
    await until(() => connections > FAILURES && server.clients.size === 1)
    // Whoever came back twice for one failure is on its way still.
    await until(() => server.stats().handshakes.pending === 0)
    const [last] = server.clients
    last!.send('still there')
    expect([client.attempts, server.clients.size, connections]).toEqual([FAILURES + 1, 1, FAILURES + 1])
    client.close()
    await once(last!, 'close')
    await until(() => server.clients.size === 0)
  })
})
