import { HandshakeError } from '../errors.ts'
import { hookAtOnce, toError } from '../ground/application.ts'
import { rejectUpgrade } from '../handshake/server-handshake.ts'

/** The refusal of a server that takes no more connections. */
export function draining(): HandshakeError {
  return new HandshakeError('6455-7.2.2-1', 503, 'the server shuts down')
}

/**
 * The refusal for what was thrown, if it is one, or because the application could not decide.
 *
 * @param look - the last look at it, which a subclass may have
 */
export function refusalFor(thrown: unknown, look: (refusal: HandshakeError) => HandshakeError): HandshakeError {
  const refusal = thrown instanceof HandshakeError ? thrown : applicationFault(thrown)
  try {
    const looked: unknown = hookAtOnce('refusal()', look, refusal)
    return looked instanceof HandshakeError ? looked : applicationFault(refusal)
  } catch (fault) {
    return applicationFault(fault)
  }
}

/** @param cause - what the application threw */
function applicationFault(cause: unknown): HandshakeError {
  const error = new HandshakeError('6455-4.2.2-3', 500, 'the application could not decide')
  error.cause = cause
  return error
}

/** A refusal with the bytes that say it. One that cannot be sent becomes a 500, and is the application's fault. */
export function sendable(refusal: HandshakeError): { refusal: HandshakeError; response: Uint8Array } {
  try {
    return { refusal, response: rejectUpgrade(refusal) }
  } catch (thrown) {
    const fault = new HandshakeError('6455-4.2.2-3', 500, 'the application refused, and its answer cannot be sent')
    fault.cause = Object.assign(toError(thrown), { cause: refusal })
    return { refusal: fault, response: rejectUpgrade(fault) }
  }
}
