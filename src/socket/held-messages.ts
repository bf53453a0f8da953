/** Milliseconds that messages may wait for their first listener before somebody is told: an async start takes less. */
const PATIENCE_MS = 5000

let hasWarned = false

/**
 * Warns, once in a process, when messages of a connection have been held for some seconds and nobody listens: mostly a
 * server that only sends, and forgot `message`.
 *
 * @param heldSince - since when they have been, by the clock of `now`
 */
export function warnOfHeld(heldSince: number, now: number): void {
  if (hasWarned || now - heldSince < PATIENCE_MS) return
  hasWarned = true
  process.emitWarning(
    "messages of a WebSocket have been held for 5 seconds, because nobody listens to 'message'; 64 KiB further on nothing " +
      "more is read. Listen, iterate, or set withoutListener: 'discard'",
    { code: 'FRAMEWRIGHT_MESSAGES_HELD' },
  )
}
