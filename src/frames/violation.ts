import { StatusCode } from './status-code.ts'

/** A rule that a frame or a message can break, and what the endpoint that sees it must do. */
export interface Violation {
  /** Id of the requirement, a row of `docs/rfc/requirements.tsv`. */
  readonly id: string
  /** Status code of the Close frame that fails the connection, RFC 6455 §7.1.7 and §7.4.1. */
  readonly statusCode: number
  /** What arrived, then what the RFC wants. */
  readonly message: string
}

function rule(id: string, statusCode: number, message: string): Violation {
  return Object.freeze({ id, statusCode, message })
}

const { ProtocolError, InvalidPayloadData, PolicyViolation, MessageTooBig, TryAgainLater } = StatusCode

/**
 * Every framing and message rule as data. Code says `fail(violations.ReservedOpcode)`; the server, the tools and the
 * tests all speak of a fault by the same id.
 */
export const violations = Object.freeze({
  UnmaskedClientFrame: rule('6455-5.1-2', ProtocolError, 'unmasked frame from a client; a client masks every frame'),
  MaskedServerFrame: rule('6455-5.1-5', ProtocolError, 'masked frame from a server; a server masks no frame'),
  ReservedBit: rule(
    '6455-5.2-3',
    ProtocolError,
    'RSV1, RSV2 or RSV3 is set; no negotiated extension gives it a meaning',
  ),
  Rsv1OnControl: rule(
    '7692-6.1-4',
    ProtocolError,
    'RSV1 is set on a control frame; only the first frame of a data message may carry it',
  ),
  Rsv1OnContinuation: rule(
    '7692-6.1-4',
    ProtocolError,
    'RSV1 is set on a continuation frame; only the first frame of a message may carry it',
  ),
  ReservedOpcode: rule('6455-5.2-4', ProtocolError, 'reserved opcode; only 0, 1, 2, 8, 9 and A are defined'),
  FragmentedControl: rule(
    '6455-5.4-2',
    ProtocolError,
    'control frame with FIN clear; control frames are never fragmented',
  ),
  LongControl: rule('6455-5.5-1', ProtocolError, 'control frame with more than 125 bytes; 125 is the most'),
  OrphanContinuation: rule(
    '6455-5.4-14',
    ProtocolError,
    'continuation frame without an open message; a message starts with a text or binary frame',
  ),
  InterleavedMessage: rule(
    '6455-5.4-4',
    ProtocolError,
    'new data frame inside an open fragmented message; fragments of two messages are never interleaved',
  ),
  LengthTopBit: rule('6455-5.2-5', ProtocolError, 'top bit of the 64-bit payload length is set; it must be 0'),
  NonMinimalLength: rule(
    '6455-5.2-6',
    ProtocolError,
    'payload length in more bytes than it needs; the shortest form is required',
  ),
  MessageTooBig: rule('6455-10.4-2', MessageTooBig, 'message longer than maxPayload'),
  TooManyFragments: rule('6455-10.4-1', PolicyViolation, 'message with more fragments than maxFragments'),
  CorruptMessage: rule(
    '7692-7.2.2-11',
    InvalidPayloadData,
    'compressed message that is not whole DEFLATE data; with 00 00 ff ff behind it, it must be',
  ),
  DeflateMemoryExhausted: rule('6455-10.4-1', TryAgainLater, 'compressed message and no memory left to inflate it'),
  InvalidUtf8: rule('6455-8.1-1', InvalidPayloadData, 'text that is not valid UTF-8'),
  InvalidUtf8Reason: rule('6455-8.1-1', InvalidPayloadData, 'close reason that is not valid UTF-8'),
  TruncatedStatusCode: rule(
    '6455-5.5.1-2',
    ProtocolError,
    'Close frame with a body of one byte; a body starts with a two-byte status code',
  ),
  UnusedStatusCode: rule('6455-7.4.2-1', ProtocolError, 'status code below 1000; 0-999 are not used'),
  ReservedStatusCode: rule('6455-7.4.1-9', ProtocolError, 'status code 1004; it is reserved'),
  NoStatusOnWire: rule('6455-7.4.1-3', ProtocolError, 'status code 1005; it never stands in a Close frame'),
  AbnormalOnWire: rule('6455-7.4.1-4', ProtocolError, 'status code 1006; it never stands in a Close frame'),
  TlsHandshakeOnWire: rule('6455-7.4.1-6', ProtocolError, 'status code 1015; it never stands in a Close frame'),
  UnassignedStatusCode: rule('6455-7.4.2-2', ProtocolError, 'status code of 1016-2999; these are unassigned'),
  StatusCodeOutOfRange: rule('6455-7.4.2-4', ProtocolError, 'status code above 4999; applications use 3000-4999'),
})
