import type { Duplex } from 'node:stream'
import type { RequestHead } from '../handshake/head.ts'

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

/** An {@link UpgradeRequest} from a head that we read ourselves. Most are never looked at, so members are made late. */
export class RawUpgradeRequest implements UpgradeRequest {
  readonly socket: Duplex
  readonly #head: RequestHead
  #headers: Record<string, string | undefined> | null = null

  constructor(head: RequestHead, socket: Duplex) {
    this.#head = head
    this.socket = socket
  }

  get method(): string {
    return this.#head.method
  }

  get url(): string {
    return this.#head.target
  }

  get httpVersion(): string {
    return this.#head.httpVersion
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    this.#headers ??= toHeaders(this.#head)
    return this.#headers
  }

  get rawHeaders(): readonly string[] {
    return [...this.#head.fields].flat()
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
