import type { Duplex } from 'node:stream'

/**
 * Tells whether a transport takes nothing of what it was given for too long.
 *
 * A write counts as progress when it is done, and on sockets of Node also when the system took a part of it: a slow peer
 * may need minutes for one large message.
 */
export class WriteStall {
  readonly #timeoutMs: number
  #passed = -1
  #queued = 0
  #progressAt = 0

  /** @param timeoutMs - how long nothing may move */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /**
   * To be asked while something waits.
   *
   * @param given - bytes that were given to the transport so far
   * @param waiting - how many of them the system has not got yet
   */
  isStalled(transport: Duplex, given: number, waiting: number, now: number): boolean {
    const passed = given - waiting
    const queued = queuedInSystem(transport)
    if (waiting === 0 || passed !== this.#passed || queued !== this.#queued) {
      this.#passed = passed
      this.#queued = queued
      this.#progressAt = now
      return false
    }
    return now - this.#progressAt >= this.#timeoutMs
  }
}

/** Bytes of the write in hand that the system has not taken. Node: what `socket.setTimeout` looks at; not public. */
function queuedInSystem(transport: Duplex): number {
  const handle = (transport as { _handle?: { writeQueueSize?: unknown } | null })._handle
  const size = handle?.writeQueueSize
  return typeof size === 'number' ? size : 0
}
