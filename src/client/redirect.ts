import { HandshakeError, quote } from '../errors.ts'
import { messageOf } from '../ground/application.ts'
import { parseTargetUrl, type TargetUrl } from './target-url.ts'

/**
 * Where a `Location` leads.
 *
 * @throws HandshakeError when that is no WebSocket URL, or leads from wss to ws or to a Unix socket
 */
export function redirectTarget(from: TargetUrl, location: string): TargetUrl {
  let to: TargetUrl
  try {
    to = parseTargetUrl(location, from.href)
  } catch (error) {
    throw refused(location, messageOf(error))
  }
  if (from.secure && !to.secure) throw refused(location, 'it leads from wss to ws')
  if (to.socketPath !== from.socketPath) throw refused(location, 'it leads to another Unix domain socket')
  return to
}

function refused(location: string, why: string): HandshakeError {
  return new HandshakeError('6455-4.1-38', 502, `the redirect to ${quote(location)} is not followed: ${why}`)
}
