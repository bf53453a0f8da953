/**
 * Bytes of payload that clients have sent and not got back: whatever the server holds of them, it holds for a reason.
 * What the network has counts as well, so the server may hold less, but not much more.
 */
export class InFlight {
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** What one connection has under way. */
  open(): ConnectionInFlight {
    return new ConnectionInFlight((change) => {
      this.#bytes += change
    })
  }
}

/** The part of one connection. */
export class ConnectionInFlight {
  readonly #tell: (change: number) => void
  #bytes = 0

  constructor(tell: (change: number) => void) {
    this.#tell = tell
  }

  get bytes(): number {
    return this.#bytes
  }

  sent(byteCount: number): void {
    this.#change(byteCount)
  }

  cameBack(byteCount: number): void {
    this.#change(-byteCount)
  }

  /** The connection is over, and nobody waits for anything any more. */
  over(): void {
    this.#change(-this.#bytes)
  }

  #change(change: number): void {
    this.#bytes += change
    this.#tell(change)
  }
}
