/** RFC 6455 §7.4.1 and the IANA registry that grew from it: why a connection ends. */
export const StatusCode = {
  /** 1000: the purpose is fulfilled. */
  NormalClosure: 1000,
  /** 1001: the endpoint goes away, for instance a server that stops or a page that is left. */
  GoingAway: 1001,
  /** 1002: the peer broke the protocol. */
  ProtocolError: 1002,
  /** 1003: a kind of data the endpoint cannot accept. */
  UnsupportedData: 1003,
  /** 1005: the peer's Close frame had no status code. Never on the wire. */
  NoStatusReceived: 1005,
  /** 1006: the transport ended without a Close frame. Never on the wire. */
  AbnormalClosure: 1006,
  /** 1007: data that does not fit the type of the message, such as invalid UTF-8. */
  InvalidPayloadData: 1007,
  /** 1008: the endpoint's own policy is broken. */
  PolicyViolation: 1008,
  /** 1009: a message too big to process. */
  MessageTooBig: 1009,
  /** 1010: a client needs an extension that the server did not negotiate. */
  MandatoryExtension: 1010,
  /** 1011: an unexpected condition stopped the endpoint (erratum 3227: either endpoint). */
  InternalError: 1011,
  /** 1012: the service restarts. IANA. */
  ServiceRestart: 1012,
  /** 1013: the service is overloaded; try again later. IANA. */
  TryAgainLater: 1013,
  /** 1014: a gateway got an invalid response from its upstream. IANA. */
  BadGateway: 1014,
  /** 1015: the TLS handshake failed. Never on the wire. */
  TlsHandshake: 1015,
} as const

/** A status code with a name. Applications may use 3000-4999 besides these. */
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode]

/**
 * Whether a Close frame may carry this status code: 1000-1003, 1007-1014, 3000-4999.
 *
 * 1004 is reserved, 1005, 1006 and 1015 only exist in the API, the rest of 1000-2999 belongs to future versions, and
 * the registry ends at 4999. RFC 6455 §7.4.1, §7.4.2.
 */
export function isValidOnWire(statusCode: number): boolean {
  // @req 6455-7.4.1-3 @req 6455-7.4.1-4 @req 6455-7.4.1-6 @req 6455-7.4.1-9 @req 6455-7.4.2-1 @req 6455-7.4.2-2
  if (statusCode < 3000) {
    return (statusCode >= 1000 && statusCode <= 1003) || (statusCode >= 1007 && statusCode <= 1014)
  }
  // @req 6455-7.4.2-3 @req 6455-7.4.2-4
  return statusCode <= 4999
}

const labels = new Map<number, string>(
  Object.entries(StatusCode).map(([name, code]) => [code, name.replace(/\B[A-Z]/g, (c) => ` ${c.toLowerCase()}`)]),
)

/** A few words for people: `Protocol error`, `registered by a library`, `private use`, `unassigned`. */
export function statusCodeLabel(statusCode: number): string {
  const label = labels.get(statusCode)
  if (label !== undefined) return label
  if (statusCode >= 3000 && statusCode <= 3999) return 'registered by a library'
  if (statusCode >= 4000 && statusCode <= 4999) return 'private use'
  return 'unassigned'
}
