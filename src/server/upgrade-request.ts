import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RequestHead } from '../handshake/head.ts'
import { parseRequestHead, requestHeadFrom } from '../handshake/request.ts'
import { parseTarget } from '../handshake/request-target.ts'

/** The request that opened a connection, with the members of an `http.IncomingMessage` that belong to its head. */
export interface UpgradeRequest {
  readonly method: string
  /** The request-target as it was sent: path and query. */
  readonly url: string
  readonly httpVersion: string
  /** Names in lower case; the values of a name that stood more than once are joined with `', '`, cookies with `'; '`. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[]
  readonly socket: Duplex
}

/** The request behind a connection: ours, or the one `node:http` made. */
export type AnyRequest = UpgradeRequest | IncomingMessage

/**
 * The head of a request that somebody else has read.
 *
 * Lenient: an object without `rawHeaders` came over no wire; helpers that inject requests make them. Its head is made
 * from `headers`, and the host that such requests leave out is `localhost`.
 *
 * @throws UsageError when there is no method or url
 */
export function headOf(request: IncomingMessage): RequestHead {
  if (Array.isArray(request.rawHeaders)) return requestHeadFrom(request)
  const { headers = {}, httpVersion = '1.1' } = request as Partial<IncomingMessage>
  const rawHeaders: string[] = []
  if (!Object.keys(headers).some((name) => name.toLowerCase() === 'host')) rawHeaders.push('Host', 'localhost')
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) rawHeaders.push(name, String(one))
  }
  return requestHeadFrom({ method: request.method, url: request.url, httpVersion, rawHeaders })
}

/** The path of a request-target, which may be an absolute URI; empty when it has none. */
export function pathOf(target: string): string {
  try {
    return parseTarget(target).path
  } catch {
    return ''
  }
}

/** What was read once within the limits is not measured again. */
const NO_LIMITS = {
  maxStartLineBytes: Number.POSITIVE_INFINITY,
  maxHeadBytes: Number.POSITIVE_INFINITY,
  maxFieldLines: Number.POSITIVE_INFINITY,
}

/**
 * An {@link UpgradeRequest} from a head that we read ourselves. Most are never looked at, so members are made late.
 *
 * Perf: `npm run bench -- memory`; errors name the request as long as the connection lives, and a head is some thirty
 * small objects. So what is kept of it after the handshake is its text, to be read again by whoever wants to know.
 */
export class RawUpgradeRequest implements UpgradeRequest {
  readonly socket: Duplex
  /** The head; null once it was packed, and not asked for since. */
  #head: RequestHead | null
  readonly #text: string
  #headers: Record<string, string | undefined> | null = null

  /** @param text - what `head` was read from, a character for each octet */
  constructor(head: RequestHead, text: string, socket: Duplex) {
    this.#head = head
    this.#text = text
    this.socket = socket
  }

  get method(): string {
    return this.#unpacked().method
  }

  get url(): string {
    return this.#unpacked().target
  }

  get httpVersion(): string {
    return this.#unpacked().httpVersion
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    this.#headers ??= toHeaders(this.#unpacked())
    return this.#headers
  }

  get rawHeaders(): readonly string[] {
    return [...this.#unpacked().fields].flat()
  }

  /** The handshake is over: keeps as little as can be. */
  pack(): void {
    this.#head = null
  }

  #unpacked(): RequestHead {
    this.#head ??= parseRequestHead(Buffer.from(this.#text, 'latin1'), NO_LIMITS)
    return this.#head
  }
}

function toHeaders(head: RequestHead): Record<string, string | undefined> {
  // Without a prototype `__proto__` is a name like any other.
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of head.fields) {
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined ? value : `${before}${key === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}
