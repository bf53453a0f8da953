import { type HandshakeError, UsageError } from '../errors.ts'
import { FieldList } from './field-list.ts'
import type { RequestHead, ResponseHead } from './head.ts'
import { type HeadLimits, headLimits } from './head-limits.ts'
import { HeadScanner } from './head-scanner.ts'
import { decodeLatin1 } from './octets.ts'
import { RequestLineScanner } from './request-line.ts'
import { StatusLineScanner } from './status-line.ts'

const NO_OCTETS = new Uint8Array(0)
const FIRST_CAPACITY = 1024

/**
 * Keeps the octets of a head that is not complete yet. A head that is whole in one chunk is read in place; otherwise the
 * pieces are copied into one buffer that doubles up to the limit, so what is held never exceeds the limit.
 */
class HeadBuffer {
  readonly #scanner: HeadScanner
  readonly #maxHeadBytes: number
  #held: Uint8Array = NO_OCTETS
  #heldLength = 0
  #head: Uint8Array | null = null
  #leftover: Uint8Array = NO_OCTETS
  #failure: HandshakeError | null = null

  constructor(scanner: HeadScanner, maxHeadBytes: number) {
    this.#scanner = scanner
    this.#maxHeadBytes = maxHeadBytes
  }

  /** @returns The octets of the whole head, or null when more are needed. */
  receive(chunk: Uint8Array): Uint8Array | null {
    if (this.#failure !== null) throw this.#failure
    if (this.#head !== null) throw new UsageError('the head is complete; what follows it belongs to the next protocol')
    try {
      this.#head = this.#heldLength === 0 ? this.#receiveFirst(chunk) : this.#receiveMore(chunk)
    } catch (error) {
      this.#held = NO_OCTETS
      this.#failure = error as HandshakeError
      throw error
    }
    return this.#head
  }

  takeLeftover(): Uint8Array {
    const leftover = this.#leftover
    this.#leftover = NO_OCTETS
    return leftover
  }

  #receiveFirst(chunk: Uint8Array): Uint8Array | null {
    const headEnd = this.#scanner.scan(chunk, 0, chunk.length)
    if (headEnd >= 0) {
      this.#leftover = chunk.subarray(headEnd)
      return chunk.subarray(0, headEnd)
    }
    if (chunk.length > 0) this.#hold(chunk)
    return null
  }

  #receiveMore(chunk: Uint8Array): Uint8Array | null {
    const scanned = this.#heldLength
    this.#hold(chunk.subarray(0, this.#maxHeadBytes - scanned))
    const headEnd = this.#scanner.scan(this.#held, scanned, this.#heldLength)
    if (headEnd < 0) return null
    this.#leftover = chunk.subarray(headEnd - scanned)
    const head = this.#held.subarray(0, headEnd)
    this.#held = NO_OCTETS
    return head
  }

  #hold(octets: Uint8Array): void {
    const length = this.#heldLength + octets.length
    if (length > this.#held.length) {
      const doubled = Math.max(FIRST_CAPACITY, 2 * this.#held.length, length)
      const grown = new Uint8Array(Math.min(doubled, this.#maxHeadBytes))
      grown.set(this.#held.subarray(0, this.#heldLength))
      this.#held = grown
    }
    this.#held.set(octets, this.#heldLength)
    this.#heldLength = length
  }
}

/**
 * Reads a request head from a TCP stream, whatever the pieces it arrives in, and refuses it as early as the octets allow.
 * RFC 6455 §4.2.1, RFC 9112 §2 to §5.
 *
 * Call `receive()` with each chunk until it returns the head or throws; then `takeLeftover()` once, for what the client
 * sent after the head. After a throw the stream is of no more use: answer with `rejectUpgrade()` and end the socket.
 *
 * @example
 * const reader = new RequestHeadReader()
 * const head = reader.receive(chunk)
 * if (head !== null) start(validateUpgrade(head), reader.takeLeftover())
 */
export class RequestHeadReader {
  readonly #requestLine: RequestLineScanner
  readonly #scanner: HeadScanner
  readonly #buffer: HeadBuffer
  #text = ''

  /**
   * @param limits Limits to hold instead of the default ones.
   * @throws UsageError when a limit is neither a positive integer nor `Infinity`.
   */
  constructor(limits?: Partial<HeadLimits>) {
    const chosen = headLimits(limits)
    this.#requestLine = new RequestLineScanner(chosen.maxStartLineBytes)
    this.#scanner = new HeadScanner(this.#requestLine, chosen, 400, 431)
    this.#buffer = new HeadBuffer(this.#scanner, chosen.maxHeadBytes)
  }

  /**
   * Takes the next octets of the stream. The chunk may be reused afterwards unless the head ended in it.
   *
   * @returns The head, or null when more octets are needed.
   * @throws HandshakeError with status 400, 414 or 431; the same again on later calls.
   * @throws UsageError when the head was returned before.
   */
  receive(chunk: Uint8Array): RequestHead | null {
    const octets = this.#buffer.receive(chunk)
    if (octets === null) return null
    const { start, methodEnd, targetEnd } = this.#requestLine
    const text = decodeLatin1(octets, this.#scanner.isAscii)
    this.#text = text
    return {
      method: text.slice(start, methodEnd),
      target: text.slice(methodEnd + 1, targetEnd),
      httpVersion: '1.1',
      fields: fieldsAt(text, this.#scanner.places),
    }
  }

  /** The whole head as it was sent, a character for each octet; empty before it is complete. */
  get text(): string {
    return this.#text
  }

  /**
   * Takes what followed the head in the last chunk: the first octets of frames. A view of that chunk, empty when there
   * were none and on a second call.
   */
  takeLeftover(): Uint8Array {
    return this.#buffer.takeLeftover()
  }
}

/**
 * Reads a response head from a TCP stream, for the client; used like `RequestHeadReader`. RFC 6455 §4.1, RFC 9112 §4.
 *
 * What cannot be read as a response throws with `httpStatus` 502, as a gateway would answer.
 */
export class ResponseHeadReader {
  readonly #statusLine: StatusLineScanner
  readonly #scanner: HeadScanner
  readonly #buffer: HeadBuffer

  /**
   * @param limits Limits to hold instead of the default ones.
   * @throws UsageError when a limit is neither a positive integer nor `Infinity`.
   */
  constructor(limits?: Partial<HeadLimits>) {
    const chosen = headLimits(limits)
    this.#statusLine = new StatusLineScanner(chosen.maxStartLineBytes)
    this.#scanner = new HeadScanner(this.#statusLine, chosen, 502, 502)
    this.#buffer = new HeadBuffer(this.#scanner, chosen.maxHeadBytes)
  }

  /**
   * Takes the next octets of the stream. The chunk may be reused afterwards unless the head ended in it.
   *
   * @returns The head, or null when more octets are needed.
   * @throws HandshakeError with status 502; the same again on later calls.
   * @throws UsageError when the head was returned before.
   */
  receive(chunk: Uint8Array): ResponseHead | null {
    const octets = this.#buffer.receive(chunk)
    if (octets === null) return null
    const text = decodeLatin1(octets, this.#scanner.isAscii && this.#statusLine.isAscii)
    return {
      httpVersion: text.slice(5, 8),
      status: Number(text.slice(9, 12)),
      reason: text.slice(this.#statusLine.reasonStart, this.#statusLine.end),
      fields: fieldsAt(text, this.#scanner.places),
    }
  }

  /**
   * Takes what followed the head in the last chunk: the first octets of frames, or of the body of a refusal. A view of
   * that chunk, empty when there were none and on a second call.
   */
  takeLeftover(): Uint8Array {
    return this.#buffer.takeLeftover()
  }
}

function fieldsAt(text: string, places: readonly number[]): FieldList {
  const raw: string[] = []
  for (let i = 0; i < places.length; i += 2) raw.push(text.slice(places[i], places[i + 1]))
  return FieldList.fromRaw(raw)
}
