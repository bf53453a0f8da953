import { HandshakeError, ProtocolError } from '../errors.ts'
import { violations } from '../frames/violation.ts'

const v = violations

/** The `err.code` that `ws` has for each rule, by the id of the requirement. */
const CODES: ReadonlyMap<string, string> = new Map([
  [v.UnmaskedClientFrame.id, 'WS_ERR_EXPECTED_MASK'],
  [v.MaskedServerFrame.id, 'WS_ERR_UNEXPECTED_MASK'],
  [v.ReservedBit.id, 'WS_ERR_UNEXPECTED_RSV_2_3'],
  [v.Rsv1OnControl.id, 'WS_ERR_UNEXPECTED_RSV_1'],
  [v.ReservedOpcode.id, 'WS_ERR_INVALID_OPCODE'],
  [v.OrphanContinuation.id, 'WS_ERR_INVALID_OPCODE'],
  [v.InterleavedMessage.id, 'WS_ERR_INVALID_OPCODE'],
  [v.FragmentedControl.id, 'WS_ERR_EXPECTED_FIN'],
  [v.LongControl.id, 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
  [v.TruncatedStatusCode.id, 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
  [v.LengthTopBit.id, 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
  [v.NonMinimalLength.id, 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
  [v.MessageTooBig.id, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
  [v.TooManyFragments.id, 'WS_ERR_TOO_MANY_BUFFERED_PARTS'],
  [v.InvalidUtf8.id, 'WS_ERR_INVALID_UTF8'],
  [v.CorruptMessage.id, 'Z_DATA_ERROR'],
  [v.UnusedStatusCode.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.ReservedStatusCode.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.NoStatusOnWire.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.AbnormalOnWire.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.TlsHandshakeOnWire.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.UnassignedStatusCode.id, 'WS_ERR_INVALID_CLOSE_CODE'],
  [v.StatusCodeOutOfRange.id, 'WS_ERR_INVALID_CLOSE_CODE'],
])

/** Gives an error the `code`, or the sentence, by which users of `ws` know it; its class and details stay. */
export function describeAsWs(error: Error): void {
  if (error instanceof ProtocolError) {
    const code = CODES.get(error.requirement)
    if (code !== undefined) Object.assign(error, { code })
  } else if (error instanceof HandshakeError && error.requirement === '6455-4.1-38' && error.httpStatus !== 502) {
    Object.assign(error, { message: `Unexpected server response: ${error.httpStatus}` })
  }
}
