/**
 * The one error family. Whose fault it is decides the class:
 *
 * - `ProtocolError`: the peer broke a rule of RFC 6455 or 7692; the connection ends with `statusCode`.
 * - `HandshakeError`: the opening handshake was refused; `httpStatus` is what goes on the wire.
 * - `UsageError`: our own caller broke the API; thrown synchronously.
 * - `ConnectionClosedError`: the operation needs a connection that has ended.
 *
 * `code` is stable and meant for programs; `message` is meant for people and may change.
 */
export class WebSocketError extends Error {
  /** Stable identifier for programs, such as `'ERR_PROTOCOL'`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The peer broke a rule; the connection is failed with `statusCode`. See RFC 6455 §7.1.7. */
export class ProtocolError extends WebSocketError {
  /** Id of the broken requirement, a row of `docs/rfc/requirements.tsv`. */
  readonly requirement: string
  /** Status code of the Close frame that answers the fault, RFC 6455 §7.4.1. */
  readonly statusCode: number

  constructor(requirement: string, statusCode: number, message: string, options?: ErrorOptions) {
    super('ERR_PROTOCOL', `${message} (${requirement})`, options)
    this.requirement = requirement
    this.statusCode = statusCode
  }
}

/** Extra header field lines of a refusal, in the order they are written. */
export type FieldLines = ReadonlyArray<readonly [name: string, value: string]>

/** The opening handshake cannot go on. See RFC 6455 §4. */
export class HandshakeError extends WebSocketError {
  /** Id of the broken requirement, a row of `docs/rfc/requirements.tsv` or a rule of RFC 9110/9112 such as `'9112-5.1'`. */
  readonly requirement: string
  /** Status code of the HTTP response that refuses the request. */
  readonly httpStatus: number
  /** Field lines the refusal carries besides `Connection: close`, for instance `Sec-WebSocket-Version: 13`. */
  readonly fields: FieldLines

  constructor(requirement: string, httpStatus: number, message: string, fields: FieldLines = []) {
    super('ERR_HANDSHAKE', `${message} (${requirement})`)
    this.requirement = requirement
    this.httpStatus = httpStatus
    this.fields = fields
  }
}

/** Our caller broke the API: a wrong argument, a wrong option, a call in the wrong state. Nothing was sent. */
export class UsageError extends WebSocketError {
  constructor(message: string, code = 'ERR_USAGE') {
    super(code, message)
  }
}

/** The connection ended, or was ending, before the operation could be done. */
export class ConnectionClosedError extends WebSocketError {
  /**
   * The Connection Close Code, RFC 6455 §7.1.5: 1005 when the peer gave none, 1006 when no Close frame arrived. While we
   * wait for the peer's Close frame it is the status code of ours.
   */
  readonly closeCode: number
  /** The Connection Close Reason, RFC 6455 §7.1.6; empty when there was none. */
  readonly closeReason: string

  /** @param isClosing - whether our Close frame was sent, and the peer's has not come */
  constructor(closeCode: number, closeReason: string, isClosing = false) {
    const how = isClosing ? 'is CLOSING: we sent a Close frame with' : 'ended with'
    const reason = closeReason === '' ? '' : ` ${quote(closeReason, 123)}`
    super('ERR_CONNECTION_CLOSED', `the connection ${how} ${closeCode}${reason}`)
    this.closeCode = closeCode
    this.closeReason = closeReason
  }
}

/**
 * Makes text that came from the peer safe to stand in a message or a log line: control characters, quotes and what
 * has no width or turns the direction of text are escaped, and what is longer than `limit` characters is cut.
 */
export function quote(text: string, limit = 60): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
