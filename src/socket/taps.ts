/*
 * What an observer sees of a transport. A transport without an observer costs one look for it at each read and each write,
 * and nothing else: no object, no copy, no other function in between.
 */
import type { Duplex } from 'node:stream'
import { type Guard, printUnseen, tell } from '../ground/application.ts'
import type { CloseInfo } from './close-info.ts'

/** What is known of a connection when it is taken. */
export interface ObservedConnection {
  /** The peer's address and port, as the transport has them; undefined: it has none. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** Whether the bytes go through TLS; an observer sees them without it. */
  readonly isEncrypted: boolean
}

/** What an observer wants to hear of one connection; every member can be left out. Bytes are copies that may be kept. */
export interface ConnectionTap {
  /**
   * Bytes arrived, before anything was done to them: what one read gave.
   *
   * @param isRebuilt - whether they are the head of a request that `node:http` had read, written anew from its `rawHeaders`
   */
  received?(bytes: Uint8Array, isRebuilt: boolean): void
  /** Bytes were handed to the transport, in one write. */
  sent?(bytes: Uint8Array): void
  /** The peer ended its direction (FIN). */
  receivedEnd?(): void
  /** We ended ours. */
  sentEnd?(): void
  /** The opening handshake was accepted; the response was `sent` before. */
  opened?(): void
  /** The opening handshake was refused, or broke. */
  refused?(error: Error): void
  /** The closing handshake began, RFC 6455 §7.1.2 and §7.1.5. @param by - whose Close frame is first */
  closing?(by: 'local' | 'remote'): void
  /** The transport broke, for instance because the peer reset it. */
  failed?(error: Error): void
  /** We threw the transport away before both sides had ended. */
  destroyed?(): void
  /** Everything is over. @param info - how it ended; null when there was no WebSocket connection */
  closed?(info: CloseInfo | null): void
}

/** Who looks at connections. */
export interface ConnectionObserver {
  /** A connection was taken, and nothing was read from it yet. @returns what listens to it; undefined: nobody wants to */
  observe(connection: ObservedConnection): ConnectionTap | undefined
}

const tapsKey = Symbol('framewright.taps')
type ObservedSocket = Duplex & { [tapsKey]?: Taps | undefined }

/** Who listens to `socket`; undefined: nobody. */
export function tapsOf(socket: Duplex): Taps | undefined {
  return (socket as ObservedSocket)[tapsKey]
}

/** Lets observers listen to `socket`, from now to its end. */
export function observe(socket: Duplex, observers: Iterable<ConnectionObserver>): void {
  const taps = new Taps()
  const about = describe(socket)
  for (const observer of observers) {
    const ask = (): unknown => {
      const tap = observer.observe(about)
      taps.add(tap)
      return tap
    }
    tell(taps, ask, 'an observer of connections')
  }
  if (!taps.isEmpty) (socket as ObservedSocket)[tapsKey] = taps
}

/** All who listen to one transport. One that throws is not asked again, and is reported once. */
export class Taps implements Guard {
  #taps: ConnectionTap[] = []
  #isOpen = false
  /** Whether how it ended has been told. */
  #isOver = false
  /** Whether the transport broke or was thrown away. */
  #isBroken = false
  #isClosing = false

  get isEmpty(): boolean {
    return this.#taps.length === 0
  }

  /** One more listens; undefined: nobody. */
  add(tap: ConnectionTap | undefined): void {
    if (typeof tap === 'object' && tap !== null) this.#taps.push(tap)
  }

  /** As {@link ConnectionTap.received}; copies. */
  received(chunk: Uint8Array, start: number, end: number, isRebuilt = false): void {
    this.#tell((tap) => tap.received?.(copy(chunk, start, end), isRebuilt))
  }

  /** As {@link ConnectionTap.sent}; copies. */
  sent(pieces: readonly Uint8Array[]): void {
    this.#tell((tap) => tap.sent?.(join(pieces)))
  }

  receivedEnd(): void {
    this.#tell((tap) => tap.receivedEnd?.())
  }

  sentEnd(): void {
    this.#tell((tap) => tap.sentEnd?.())
  }

  opened(): void {
    this.#isOpen = true
    this.#tell((tap) => tap.opened?.())
  }

  refused(error: Error): void {
    this.#tell((tap) => tap.refused?.(error))
  }

  /** As {@link ConnectionTap.closing}; only the first call counts. */
  closing(by: 'local' | 'remote'): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#tell((tap) => tap.closing?.(by))
  }

  failed(error: Error): void {
    if (this.#isBroken || this.#isOver) return
    this.#isBroken = true
    this.#tell((tap) => tap.failed?.(error))
  }

  destroyed(): void {
    if (this.#isBroken || this.#isOver) return
    this.#isBroken = true
    this.#tell((tap) => tap.destroyed?.())
  }

  /** The transport is gone. What became of an open connection says `ended`. */
  transportClosed(): void {
    if (!this.#isOpen) this.#close(null)
  }

  /** An open connection is over. */
  ended(info: CloseInfo): void {
    this.#close(info)
  }

  handlerFailed(error: Error): void {
    printUnseen(error, 'and is not asked again about this connection')
  }

  #close(info: CloseInfo | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tell((tap) => tap.closed?.(info))
  }

  #tell(say: (tap: ConnectionTap) => void): void {
    for (const tap of this.#taps) {
      tell(this.#guardOf(tap), say, 'an observer of connections', tap)
    }
  }

  #guardOf(tap: ConnectionTap): Guard {
    return {
      handlerFailed: (error) => {
        this.#taps = this.#taps.filter((other) => other !== tap)
        this.handlerFailed(error)
      },
    }
  }
}

function describe(socket: Duplex): ObservedConnection {
  const { remoteAddress, remotePort, localAddress, localPort, encrypted } = socket as Partial<{
    remoteAddress: string
    remotePort: number
    localAddress: string
    localPort: number
    encrypted: boolean
  }>
  return { remoteAddress, remotePort, localAddress, localPort, isEncrypted: encrypted === true }
}

function copy(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(chunk.subarray(start, end))
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}
