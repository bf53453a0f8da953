import { connect as connectTcp, isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, TLSSocket, type ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { UsageError } from '../errors.ts'
import { describe, hookAtOnce, hookLater, toError } from '../ground/application.ts'
import type { ConnectTarget } from '../socket/client-options.ts'
import type { CheckedClientOptions } from './options.ts'
import type { TargetUrl } from './target-url.ts'

/** A transport on its way, RFC 6455 §4.1. */
export interface Transport {
  readonly socket: Duplex
  /** Whether it is plain TCP or a Unix socket, which copies what is written. */
  readonly isPlain: boolean
}

/** Begins to connect; what goes wrong is told by the socket's `error`. */
export function connectTo(target: TargetUrl, { given, tls }: CheckedClientOptions): Transport {
  const { secure, port } = target
  const socketPath = given.socketPath ?? target.socketPath
  const host = target.host.startsWith('[') ? target.host.slice(1, -1) : target.host
  const { family, localAddress, lookup, createConnection } = given
  const tcp = {
    ...(family === undefined ? {} : { family }),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(lookup === undefined ? {} : { lookup: guardedLookup(lookup) }),
  }
  // @req 6455-4.1-17
  const servername = tls.servername ?? (isIP(host) === 0 && socketPath === undefined ? host : '')
  const tlsOptions = { ALPNProtocols: ['http/1.1'], ...guardedIdentity(tls), servername }
  if (createConnection !== undefined) {
    const at: ConnectTarget = { ...tcp, host, port, socketPath, secure, tls: tlsOptions }
    return { socket: checkTransport(hookAtOnce('the option createConnection', createConnection, at)), isPlain: false }
  }
  const place = socketPath === undefined ? { ...tcp, host, port } : { path: socketPath }
  if (secure) return { socket: connectTls({ ...tlsOptions, ...place }), isPlain: false }
  // @req 6455-4.1-11
  const socket = connectTcp(place)
  socket.setNoDelay()
  return { socket, isPlain: true }
}

/** A `lookup` that fails however it likes: Node gets an Error, once. */
function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    let isDone = false
    const done: typeof callback = (error, address, family) => {
      if (isDone) return
      isDone = true
      callback(error ? toError(error) : null, address, family)
    }
    hookLater('the option lookup', lookup, hostname, options, done).catch((error: Error) => done(error, ''))
  }
}

/** A `checkServerIdentity` that throws has found the certificate wanting. */
function guardedIdentity(tls: TlsConnectionOptions): TlsConnectionOptions {
  const { checkServerIdentity } = tls
  if (checkServerIdentity === undefined) return tls
  return {
    ...tls,
    checkServerIdentity: (host, certificate) => {
      try {
        const fault: unknown = hookAtOnce('the option checkServerIdentity', checkServerIdentity, host, certificate)
        return fault ? toError(fault) : undefined
      } catch (error) {
        return toError(error)
      }
    },
  }
}

/** What a transport must be able to do. */
const DUPLEX_METHODS = ['on', 'off', 'write', 'end', 'pause', 'resume', 'destroy'] as const

/** @throws UsageError when it is no Duplex; a promise of one is none */
function checkTransport(socket: unknown): Duplex {
  const candidate = socket as Record<string, unknown> | null | undefined
  if (typeof candidate === 'object' && DUPLEX_METHODS.every((name) => typeof candidate?.[name] === 'function')) {
    return socket as Duplex
  }
  throw new UsageError(`createConnection returned ${describe(socket)}; it must return a Duplex, such as a net.Socket`)
}

/**
 * Calls `callback` when the request may go out. On plain TCP that is at once, since the socket keeps it until it is
 * connected; with TLS not before the server's certificate was found good: a request carries cookies and credentials.
 */
export function whenReady(socket: Duplex, callback: () => void): void {
  // @req 6455-4.1-14
  if (socket instanceof TLSSocket && isHandshaking(socket)) socket.once('secureConnect', callback)
  else callback()
}

/** Node: `secureConnecting` is false until the TCP connection is there. */
function isHandshaking(socket: TLSSocket): boolean {
  return socket.connecting || (socket as TLSSocket & { secureConnecting?: boolean }).secureConnecting === true
}
