import type { Violation } from '../frames/violation.ts'

/**
 * Takes a message piece by piece while it arrives, inside frames too. Text has been checked so far: a character may be
 * cut between pieces, but never wrong.
 */
export interface MessageSink {
  /** The next piece, never empty; only valid during the call. */
  piece(bytes: Uint8Array, start: number, end: number): void
  /** The message is complete. */
  end(): void
  /** The message will never be complete: the connection ends. */
  abort(): void
}

/**
 * Who is told what a {@link Connection} reads. Called during `receive` and `resume`, in the order of the wire, before
 * the driver flushes: what a listener sends in reply leaves in the same write.
 *
 * Byte ranges are only valid during the call, unless said otherwise: whoever needs them longer copies them, for instance
 * with `Connection.keep`. A listener must not throw.
 */
export interface ConnectionListener {
  /**
   * A whole message, RFC 6455 §6.2. Text has been checked: it is valid UTF-8.
   *
   * @param owned - whether the listener may keep `bytes`, which then are all of their memory; otherwise see `Connection.keep`
   */
  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void
  /**
   * A message begins that does not lie in one chunk. Who gives a sink gets its pieces as they arrive, and nothing of it
   * is kept; with null, or without this method, it is collected and comes as a `message`.
   */
  messageStart?(isBinary: boolean): MessageSink | null
  /** A Ping, §5.5.2. With `autoPong` it has been answered. */
  ping(bytes: Uint8Array, start: number, end: number): void
  /** A Pong, §5.5.3. */
  pong(bytes: Uint8Array, start: number, end: number): void
  /**
   * The peer's Close frame has arrived and is not answered yet: the last moment to send what was to be sent before now,
   * §5.5.1. Not called when we have closed ourselves.
   */
  closing?(): void
  /** The peer's Close frame, §5.5.1; 1005 when it had no status code. It has been answered. */
  closeReceived(statusCode: number, reason: string): void
  /** The connection was failed, §7.1.7. A Close frame with `violation.statusCode` is in the output if one could be sent. */
  failed(violation: Violation): void
  /**
   * An extension has done something elsewhere: a piece of a message came out, one was delivered, or frames went into the output. Called outside of
   * every call of the driver's, which now flushes as after one of its own. Only needed with an extension.
   */
  woken?(): void
}
