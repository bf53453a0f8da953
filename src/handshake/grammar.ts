import { HandshakeError, quote, UsageError } from '../errors.ts'
import { classAt, isAll, OctetClass } from './octets.ts'

/** A parameter of an extension; `true` when it has no value. The value is a token, whether it was quoted or not. */
export type ExtensionParam = readonly [name: string, value: string | true]

/**
 * One member of `Sec-WebSocket-Extensions`: in a request an offer, in a response the extension in use. Parameters stand
 * in the order they were sent and as often as they were sent, so that an extension can decline the repeated ones.
 */
export interface ExtensionOffer {
  /** Extension token, case-sensitive. */
  readonly name: string
  /** Parameters in order; empty when there are none. */
  readonly params: readonly ExtensionParam[]
}

/** Walks over the value of one field, forwards only, so every parse is linear in the length of the value. */
class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.skipWhitespace()
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  /** OWS = *( SP / HTAB ), also where RFC 2616 §2.1 has its implied *LWS. */
  skipWhitespace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++
  }

  /** Takes one delimiter and the whitespace after it, if it is the next character. */
  take(delimiter: string): boolean {
    if (this.#text[this.#at] !== delimiter) return false
    this.#at++
    this.skipWhitespace()
    return true
  }

  /**
   *     token = 1*tchar
   *
   * Takes it and the whitespace after it; empty when the next character is no tchar.
   */
  takeToken(): string {
    const start = this.#at
    while ((classAt(this.#text, this.#at) & OctetClass.Token) !== 0) this.#at++
    const token = this.#text.slice(start, this.#at)
    this.skipWhitespace()
    return token
  }

  /**
   *     token | quoted-string
   *
   * Takes it and the whitespace after it; empty when it is neither, or when a quoted one, unescaped, is not a token.
   */
  takeParamValue(): string {
    if (this.#text[this.#at] !== '"') return this.takeToken()
    this.#at++
    const token = this.#takeQuotedToken()
    this.skipWhitespace()
    return token
  }

  /**
   *     quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
   *     quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
   */
  #takeQuotedToken(): string {
    let token = ''
    for (;;) {
      const char = this.#text[this.#at++]
      if (char === '"') return token
      const at = char === '\\' ? this.#at++ : this.#at - 1
      // @req 6455-4.3-1
      // @req 6455-9.1-2
      if ((classAt(this.#text, at) & OctetClass.Token) === 0) return ''
      token += this.#text[at]!
    }
  }
}

/**
 * Parses the value of `Sec-WebSocket-Extensions`, its lines joined with a comma. RFC 6455 §9.1.
 *
 *     extension-list  = 1#extension
 *     extension       = extension-token *( ";" extension-param )
 *     extension-param = token [ "=" (token | quoted-string) ]
 *
 * Stricter than RFC 2616 §2.1: an empty member, as in `a,,b`, is refused like every other malformed one.
 *
 * @param value Value of the field.
 * @param httpStatus Status the error carries. Default 400.
 * @returns The extensions in order, repeated names and parameters kept.
 * @throws HandshakeError when the value does not conform.
 */
export function parseExtensions(value: string, httpStatus = 400): ExtensionOffer[] {
  const cursor = new Cursor(value)
  const offers: ExtensionOffer[] = []
  do {
    const name = cursor.takeToken()
    if (name === '') throw malformedExtensions(value, httpStatus)
    const params: ExtensionParam[] = []
    while (cursor.take(';')) {
      const param = cursor.takeToken()
      if (param === '') throw malformedExtensions(value, httpStatus)
      if (cursor.take('=')) {
        const paramValue = cursor.takeParamValue()
        if (paramValue === '') throw malformedExtensions(value, httpStatus)
        params.push([param, paramValue])
      } else {
        params.push([param, true])
      }
    }
    offers.push({ name, params })
  } while (cursor.take(','))
  if (!cursor.isAtEnd) throw malformedExtensions(value, httpStatus)
  return offers
}

function malformedExtensions(value: string, httpStatus: number): HandshakeError {
  // @req 6455-9.1-1
  return new HandshakeError(
    '6455-9.1-1',
    httpStatus,
    `Sec-WebSocket-Extensions is ${quote(value)}; that is no extension-list`,
  )
}

/**
 * Writes extensions as one value of `Sec-WebSocket-Extensions`; the inverse of `parseExtensions()`. RFC 6455 §9.1.
 *
 * @throws UsageError when there is none, or when a name or value is not a token.
 */
export function formatExtensions(extensions: readonly ExtensionOffer[]): string {
  if (extensions.length === 0) throw new UsageError('an extension-list has at least one extension')
  return extensions.map(formatExtension).join(', ')
}

function formatExtension({ name, params }: ExtensionOffer): string {
  let text = checkedToken(name)
  for (const [param, value] of params) {
    text += `; ${checkedToken(param)}`
    if (value !== true) text += `=${checkedToken(value)}`
  }
  return text
}

function checkedToken(text: string): string {
  if (!isToken(text)) throw new UsageError(`${quote(text)} is not a token; extensions are made of tokens`)
  return text
}

/**
 * Parses the value of `Sec-WebSocket-Protocol` in a request, its lines joined with a comma. RFC 6455 §4.1, §4.3.
 *
 *     Sec-WebSocket-Protocol-Client = 1#token
 *
 * Stricter than RFC 2616 §2.1: an empty member, as in `a,,b`, is refused.
 *
 * @returns The subprotocols in the client's order of preference.
 * @throws HandshakeError 400 when a member is not a token or stands twice.
 */
export function parseSubprotocols(value: string): string[] {
  const cursor = new Cursor(value)
  const subprotocols: string[] = []
  do {
    const token = cursor.takeToken()
    if (token === '') throw malformedSubprotocols(value)
    subprotocols.push(token)
  } while (cursor.take(','))
  if (!cursor.isAtEnd) throw malformedSubprotocols(value)
  // @req 6455-4.1-34
  if (new Set(subprotocols).size !== subprotocols.length) {
    throw new HandshakeError('6455-4.1-34', 400, `Sec-WebSocket-Protocol is ${quote(value)}; each may be listed once`)
  }
  return subprotocols
}

function malformedSubprotocols(value: string): HandshakeError {
  // @req 6455-4.1-33
  return new HandshakeError('6455-4.1-33', 400, `Sec-WebSocket-Protocol is ${quote(value)}; that is no list of tokens`)
}

/**
 * Parses the value of `Connection` or `Upgrade`, its lines joined with a comma. RFC 9110 §7.6.1, §7.8.
 *
 *     Connection = #connection-option    connection-option = token
 *     Upgrade    = #protocol             protocol = token [ "/" token ]
 *
 * Lenient: empty members are skipped, as RFC 9110 §5.6.1.2 asks of recipients.
 *
 * @param versioned Whether a member may have a version after a `/`.
 * @returns The members in lower case; null when one does not conform.
 */
export function parseTokenList(value: string, versioned: boolean): string[] | null {
  const cursor = new Cursor(value)
  const members: string[] = []
  do {
    const token = cursor.takeToken()
    if (token === '') continue
    if (versioned && cursor.take('/')) {
      const version = cursor.takeToken()
      if (version === '') return null
      members.push(`${token}/${version}`.toLowerCase())
    } else {
      members.push(token.toLowerCase())
    }
  } while (cursor.take(','))
  return cursor.isAtEnd ? members : null
}

/**
 *     token = 1*tchar
 *     tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
 *
 * Whether text is a token, RFC 9110 §5.6.2.
 */
export function isToken(text: string): boolean {
  return isAll(text, OctetClass.Token)
}
