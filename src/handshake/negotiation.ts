import { HandshakeError, quote } from '../errors.ts'
import type { ExtensionOffer, ExtensionParam } from './grammar.ts'

/**
 * The RSV bits an extension uses in the frame header, RFC 6455 §5.2: a sum of `RsvBits` values. Two extensions in use on
 * one connection never share a bit.
 */
export const RsvBits = { None: 0b000, Rsv3: 0b001, Rsv2: 0b010, Rsv1: 0b100 } as const

/** How an offer was answered: the parameters that go into the response, and what the extension needs to know later. */
export interface ExtensionAgreement<Config = unknown> {
  /** Parameters of the response, in order. */
  readonly params: readonly ExtensionParam[]
  /** Handed through untouched to whoever sets the extension to work. */
  readonly config: Config
}

/** What an extension does in the opening handshake of a server; `extensions/` fulfils it. RFC 6455 §9.1. */
export interface ExtensionNegotiator<Config = unknown> {
  /** Extension token, case-sensitive. */
  readonly name: string
  /** RSV bits the extension would use: a sum of `RsvBits` values. */
  readonly rsvBits: number
  /**
   * Looks at one offer of the name.
   *
   * @returns The agreement, or null to decline: then the client's next offer is tried.
   */
  accept(offer: ExtensionOffer): ExtensionAgreement<Config> | null
}

/** What an extension does in the opening handshake of a client; `extensions/` fulfils it. RFC 6455 §9.1. */
export interface ExtensionProposer<Config = unknown> {
  /** Extension token, case-sensitive. */
  readonly name: string
  /** RSV bits the extension would use: a sum of `RsvBits` values. */
  readonly rsvBits: number
  /** Parameters of each offer, the preferred one first; at least one offer. */
  readonly offers: ReadonlyArray<readonly ExtensionParam[]>
  /**
   * Looks at the server's answer.
   *
   * @returns The agreement, or null when the answer breaks the extension's rules: then the handshake fails. It may throw
   *   a `HandshakeError` of its own instead, to name the rule.
   */
  confirm(answer: ExtensionOffer): ExtensionAgreement<Config> | null
}

/** An extension in use on a connection. */
export interface NegotiatedExtension<Config = unknown> extends ExtensionOffer, ExtensionAgreement<Config> {
  /** RSV bits the extension uses: a sum of `RsvBits` values. */
  readonly rsvBits: number
}

/**
 * Chooses the subprotocol: the first one on the server's list that the client offers too, names compared with case. The
 * server's order decides, as in ALPN, since the server knows which subprotocol it would rather retire. RFC 6455 §4.2.2.
 *
 * @param offered The client's list.
 * @param supported The server's list, the preferred one first.
 * @returns `undefined` when they have none in common; then the response has no `Sec-WebSocket-Protocol`.
 */
export function chooseSubprotocol(offered: readonly string[], supported: readonly string[]): string | undefined {
  // @req 6455-4.2.2-9
  return supported.find((subprotocol) => offered.includes(subprotocol))
}

/**
 * Chooses the extensions: the client's offers are tried in the client's order, an extension is accepted at most once,
 * and never beside one that uses the same RSV bit. RFC 6455 §9.1, RFC 7692 §5.
 *
 * @param offers The client's offers.
 * @param negotiators The server's extensions; their order does not matter.
 * @returns The extensions in use, in the order of the offers; perhaps none.
 */
export function negotiateExtensions<Config>(
  offers: readonly ExtensionOffer[],
  negotiators: ReadonlyArray<ExtensionNegotiator<Config>>,
): NegotiatedExtension<Config>[] {
  const accepted: NegotiatedExtension<Config>[] = []
  let claimed = 0
  // @req 6455-4.2.2-11
  // @req 7692-5-3
  for (const offer of offers) {
    // @req 6455-9.1-5
    const negotiator = negotiators.find(({ name }) => name === offer.name)
    if (negotiator === undefined || accepted.some(({ name }) => name === offer.name)) continue
    const { name, rsvBits } = negotiator
    // @req 7692-5-9 @req 7692-5-11
    if ((claimed & rsvBits) !== 0) continue
    const agreement = negotiator.accept(offer)
    if (agreement === null) continue
    claimed |= rsvBits
    accepted.push({ name, rsvBits, params: agreement.params, config: agreement.config })
  }
  return accepted
}

/** The offers a client sends: each extension's, in order. RFC 6455 §9.1. */
export function offersOf(proposers: readonly ExtensionProposer[]): ExtensionOffer[] {
  return proposers.flatMap(({ name, offers }) => offers.map((params) => ({ name, params })))
}

/**
 * Checks the extensions that a server says are in use against what the client offered. RFC 6455 §4.1.
 *
 * @param answers Extensions of the response.
 * @param proposers The extensions the client offered.
 * @param httpStatus Status the error carries.
 * @throws HandshakeError when one was not offered, stands twice, shares an RSV bit with another or breaks its own rules.
 */
export function confirmExtensions<Config>(
  answers: readonly ExtensionOffer[],
  proposers: ReadonlyArray<ExtensionProposer<Config>>,
  httpStatus: number,
): NegotiatedExtension<Config>[] {
  const confirmed: NegotiatedExtension<Config>[] = []
  let claimed = 0
  for (const answer of answers) {
    const proposer = proposers.find(({ name }) => name === answer.name)
    // @req 6455-4.1-42
    if (proposer === undefined) throw fault('6455-4.1-42', httpStatus, answer, 'was not offered')
    const { name, rsvBits } = proposer
    // @req 6455-4.1-44
    if (confirmed.some((other) => other.name === name)) throw fault('6455-4.1-44', httpStatus, answer, 'stands twice')
    // @req 7692-5-10 @req 7692-5-12
    if ((claimed & rsvBits) !== 0) throw fault('7692-5-10', httpStatus, answer, 'shares an RSV bit with another one')
    const agreement = proposer.confirm(answer)
    // @req 6455-9-4
    if (agreement === null) throw fault('6455-9-4', httpStatus, answer, 'has parameters it may not have')
    claimed |= rsvBits
    confirmed.push({ name, rsvBits, params: answer.params, config: agreement.config })
  }
  return confirmed
}

function fault(requirement: string, httpStatus: number, answer: ExtensionOffer, what: string): HandshakeError {
  return new HandshakeError(requirement, httpStatus, `the response has the extension ${quote(answer.name)}; it ${what}`)
}
