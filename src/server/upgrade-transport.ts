import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** On a plain TCP or Unix socket a write that has completed was copied by the system. */
export function isTcp(socket: Duplex): boolean {
  return socket instanceof Socket && !(socket instanceof TLSSocket)
}

/**
 * What a socket of Node has besides bytes is set as a connection wants it: nobody's timeout goes on, which an HTTP server
 * may have set, and small frames do not wait for each other. As in `ws`.
 */
export function takeOver(socket: Duplex): void {
  const { setTimeout: setIdleTimeout, setNoDelay } = socket as Partial<Socket>
  if (typeof setIdleTimeout === 'function') setIdleTimeout.call(socket as Socket, 0)
  if (typeof setNoDelay === 'function') setNoDelay.call(socket as Socket)
}

/** Whether the peer showed a certificate of its own, be it trusted or not. */
export function hasClientCertificate(socket: Duplex): boolean {
  return socket instanceof TLSSocket && (socket.authorized || socket.getPeerX509Certificate() !== undefined)
}
