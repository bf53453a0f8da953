/*
 * A TCP connection on a port of ours, from its accept to the end of its TLS handshake. It takes a descriptor and memory
 * like any other, so the limits of opening handshakes hold from here on, and so does their time.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HandshakeError } from '../errors.ts'
import type { Dated } from './deadlines.ts'

/** An opening handshake, in whatever layer it is. */
export interface Awaited extends Dated {
  /** Refuses it, with an answer if there is somebody to read one. */
  refuse(error: HandshakeError): void
  /** Gives it up without an answer. */
  drop(error: Error): void
}

/** The place of one TCP connection among the opening handshakes; it keeps it when TLS is done. */
export class TlsHandshake implements Awaited {
  readonly due: number
  readonly address: string | undefined
  /** What goes on over TLS; null before. */
  next: Awaited | null = null
  readonly #socket: Socket

  constructor(socket: Socket, due: number) {
    this.#socket = socket
    this.due = due
    this.address = socket.remoteAddress
  }

  expire(): void {
    if (this.next === null) this.#socket.destroy()
    else this.next.expire()
  }

  refuse(error: HandshakeError): void {
    if (this.next === null) this.#socket.destroy()
    else this.next.refuse(error)
  }

  drop(error: Error): void {
    if (this.next === null) this.#socket.destroy()
    else this.next.drop(error)
  }
}

/** Finds the TCP connection below a TLS one. */
export class TlsHandshakes {
  readonly #bySocket: WeakMap<object, TlsHandshake> = new WeakMap()
  readonly #byAddress = new Map<string, number>()

  /** TLS handshakes under way from an address. */
  from(address: string | undefined): number {
    return address === undefined ? 0 : (this.#byAddress.get(address) ?? 0)
  }

  add(socket: Socket, handshake: TlsHandshake): void {
    this.#bySocket.set(socket, handshake)
    this.#count(handshake.address, 1)
  }

  /** TLS is done, or broke off. */
  delete(handshake: TlsHandshake): void {
    this.#count(handshake.address, -1)
  }

  /** Node: `_parent`, the socket that a TLS socket was made of, is not public. @returns undefined if it is not there */
  below(secure: TLSSocket): TlsHandshake | undefined {
    const { _parent } = secure as TLSSocket & { _parent?: Socket | null }
    return _parent ? this.#bySocket.get(_parent) : undefined
  }

  #count(address: string | undefined, by: 1 | -1): void {
    if (address === undefined) return
    const count = this.from(address) + by
    if (count === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count)
  }
}
