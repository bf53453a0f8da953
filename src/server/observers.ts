import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { UsageError } from '../errors.ts'
import { type ConnectionObserver, observe, tapsOf } from '../socket/taps.ts'

/** Who looks at the connections of a server. */
export class Observers {
  readonly #observers: Set<ConnectionObserver> = new Set()

  /**
   * @returns ends it for connections to come
   * @throws UsageError when it has no method `observe`, or is here already
   */
  add(observer: ConnectionObserver): () => void {
    if (typeof observer?.observe !== 'function') throw new UsageError('observe: the observer has no method observe')
    if (this.#observers.has(observer)) throw new UsageError('observe: this observer looks at the server already')
    this.#observers.add(observer)
    return () => {
      this.#observers.delete(observer)
    }
  }

  /**
   * Lets them look at a socket that was taken.
   *
   * @param request - what `node:http` has read from it; undefined: nothing was read
   * @param head - the bytes that came behind that
   */
  begin(socket: Duplex, request: object | undefined, head: Uint8Array | null): void {
    if (this.#observers.size === 0) return
    // One that was given up was looked at by whoever gave it up.
    observe(socket, this.#observers)
    if (request === undefined) return
    const taps = tapsOf(socket)
    if (taps === undefined) return
    const bytes = requestBytes(request as IncomingMessage)
    taps.received(bytes, 0, bytes.length, true)
    if (head !== null && head.length > 0) taps.received(head, 0, head.length)
  }
}

/** The head of a request, written anew; a character of `node:http` is an octet. */
function requestBytes(request: IncomingMessage): Uint8Array {
  const { method = 'GET', url = '/', httpVersion = '1.1' } = request
  const raw = Array.isArray(request.rawHeaders)
    ? request.rawHeaders
    : Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
        (Array.isArray(value) ? value : [value]).flatMap((one) => [name, String(one)]),
      )
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i + 1 < raw.length; i += 2) text += `${raw[i]}: ${raw[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}
