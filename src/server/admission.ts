import type { IncomingMessage } from 'node:http'
import { type FieldLines, HandshakeError, quote } from '../errors.ts'
import type { PerMessageDeflateOptions } from '../extensions/permessage-deflate/options.ts'
import { thrownBy } from '../ground/application.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { rejectUpgrade, type UpgradePlan } from '../handshake/server-handshake.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** What `authorize` gets besides the request. */
export interface AuthorizeContext {
  /**
   * Aborted when the peer goes away or the handshake's time is over. A peer that has sent frames already is not read from
   * any more, so that its going away is not seen before.
   */
  readonly signal: AbortSignal
}

/**
 * Decides who may connect. What it returns becomes `ws.data`, null and undefined too; `accept(…)` also gives options.
 * `reject(…)` refuses, thrown or returned, and so does false, with 401. Another Error, thrown or returned, is a 500 to the
 * peer and is reported, cause included, by `connectionError`. To have false as `ws.data`: `accept(false, {})`.
 */
export type Authorize<Data> = (
  request: UpgradeRequest | IncomingMessage,
  context: AuthorizeContext,
) => Admission<Data> | Promise<Admission<Data>>

/** What `authorize` may settle on. */
export type Admission<Data> = Data | Acceptance<Data> | Rejection | Error | false

/** What the application settles for one connection besides who may connect. */
export interface ConnectionChoices {
  /** In place of the server's option of that name. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions
}

/** Everything as the options of the server have it. */
export const NO_CHOICES: ConnectionChoices = {}

/** An admission with choices for this connection; made by {@link accept}. */
export class Acceptance<Data> {
  /** What `ws.data` becomes. */
  readonly data: Data
  /** What differs from the options of the server. */
  readonly choices: ConnectionChoices

  constructor(data: Data, choices: ConnectionChoices) {
    this.data = data
    this.choices = choices
  }
}

const connectionChoiceNames = { perMessageDeflate: true } satisfies OptionNames<ConnectionChoices>

/**
 * What `authorize` returns to admit a request with options of its own.
 *
 * @param data - what `ws.data` becomes
 * @param choices - what differs from the options of the server
 * @throws UsageError when there is no such choice
 * @example
 * authorize: (request) => accept(userOf(request), { perMessageDeflate: isSlow(request) })
 */
export function accept<Data>(data: Data, choices: ConnectionChoices): Acceptance<Data> {
  checkOptionNames('accept', choices, connectionChoiceNames)
  return new Acceptance(data, choices)
}

/**
 * What `authorize` settled on. Everything is data that admits, null and undefined too, but what says no: an Error, as if
 * it had been thrown, and false.
 *
 * @throws HandshakeError when the request is refused; an Error that is none of ours
 */
export function acceptanceOf<Data>(admission: Admission<Data>): Acceptance<Data> {
  if (admission instanceof Acceptance) return admission
  if (admission === false) throw reject(401, 'the client was not accepted')
  if (admission instanceof Error) throw thrownBy('the option authorize', admission)
  return new Acceptance(admission, NO_CHOICES)
}

/** A refusal by the application; made by {@link reject}. */
export class Rejection extends HandshakeError {
  /** @throws UsageError when the status does not refuse, or a field cannot be sent */
  constructor(httpStatus: number, message: string, fields: FieldLines) {
    // @req 6455-4.2.2-3 @req 6455-4.2.2-4
    super('6455-4.2.2-3', httpStatus, message, fields)
    this.message = message
    // What cannot be sent is the caller's fault, and told at once: later it would leave the peer without an answer.
    rejectUpgrade(this)
  }
}

/**
 * What `authorize` returns to refuse a request.
 *
 * @param httpStatus - status of the response, 300-599
 * @param message - its body, one line
 * @param headers - further header fields, for instance `{ 'WWW-Authenticate': 'Bearer' }`
 * @throws UsageError when the status does not refuse, or a field cannot be sent
 * @example
 * authorize: (request) => users.get(request.headers.authorization) ?? reject(401, 'who are you?')
 */
export function reject(httpStatus: number, message: string, headers: Readonly<Record<string, string>> = {}): Rejection {
  return new Rejection(httpStatus, message, Object.entries(headers))
}

/**
 * The origin policy, RFC 6455 §10.2. A request without `Origin` comes from no browser and passes.
 *
 * @param hasCertificate - asked whether the peer showed a TLS client certificate, which browsers do for every page, as
 * they send cookies
 * @throws HandshakeError with 403
 */
export function checkOrigin(
  plan: UpgradePlan,
  origins: 'same-origin' | 'any' | readonly string[],
  hasCertificate: () => boolean,
): void {
  const { origin } = plan
  // @req 6455-4.2.1-10 @req 6455-10.1-1
  if (origin === undefined || origins === 'any') return
  // @req 6455-4.2.2-5 @req 6455-4.2.2-6 @req 6455-10.2-1 @req 6455-10.2-2
  if (origins !== 'same-origin' && origins.includes(origin)) return
  if (origins === 'same-origin' || origins.includes('same-origin')) {
    const { fields } = plan.head
    if (isSameOrigin(origin, plan)) return
    if (fields.has('cookie') || fields.has('authorization') || hasCertificate()) {
      throw new HandshakeError(
        '6455-10.2-2',
        403,
        `the page of ${quote(origin)} sends credentials to ${quote(plan.host)}; another origin needs the option origins`,
      )
    }
    return
  }
  throw new HandshakeError('6455-10.2-2', 403, `the origin ${quote(origin)} is not on the list of the option origins`)
}

/**
 * Whether a page of `origin` is of the host that the request goes to. An absolute-form target stands in for the Host
 * field, RFC 9112 §3.2.2; where the two differ, a proxy may have gone by either, so the origin must be both.
 */
function isSameOrigin(origin: string, { host, head }: UpgradePlan): boolean {
  return isSameHost(origin, host) && isSameHost(origin, head.fields.get('host') ?? host)
}

/**
 * Whether an origin's host and port are those of `host`. Whether it is http or https is not compared, since a proxy may
 * have ended TLS; the pages of any other scheme, a browser's extensions for instance, belong to no host.
 */
function isSameHost(origin: string, host: string): boolean {
  const lower = origin.toLowerCase()
  const isHttps = lower.startsWith('https://')
  if (!isHttps && !lower.startsWith('http://')) return false
  const defaultPort = isHttps ? ':443' : ':80'
  return withoutPort(lower.slice(isHttps ? 8 : 7), defaultPort) === withoutPort(host.toLowerCase(), defaultPort)
}

function withoutPort(authority: string, port: string): string {
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority
}

/** Counts connections, in all and by address, and knows whether there is room for one more. */
export class ConnectionCounter {
  readonly #most: number
  readonly #mostPerAddress: number
  readonly #byAddress = new Map<string, number>()
  readonly #budget: MemoryBudget
  #count = 0

  constructor(most: number, mostPerAddress: number, budget: MemoryBudget) {
    this.#budget = budget
    this.#most = most
    this.#mostPerAddress = mostPerAddress
  }

  get count(): number {
    return this.#count
  }

  /** @throws HandshakeError with 503 or 429 when one more would be too many */
  check(address: string | undefined): void {
    this.#budget.check()
    // @req 6455-10.4-1
    if (this.#count >= this.#most)
      throw new HandshakeError('6455-10.4-1', 503, 'the server has no room for more connections')
    if (this.#mostPerAddress === Number.POSITIVE_INFINITY || address === undefined) return
    if ((this.#byAddress.get(address) ?? 0) >= this.#mostPerAddress) {
      throw new HandshakeError('6455-10.4-1', 429, 'too many connections from this address')
    }
  }

  add(address: string | undefined): void {
    this.#count++
    if (this.#mostPerAddress === Number.POSITIVE_INFINITY || address === undefined) return
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1)
  }

  remove(address: string | undefined): void {
    this.#count--
    if (address === undefined) return
    const count = this.#byAddress.get(address)
    if (count === undefined) return
    if (count === 1) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count - 1)
  }
}
