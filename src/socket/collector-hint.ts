/*
 * V8 looks for young Buffers that nobody uses any more when there are 32 MiB of them; what lies in its own heap it
 * sees much sooner. A long message that is taken in pieces so keeps 32 MiB of pieces that were read, though its reader
 * never has more than one. Memory that is asked for and never touched costs next to nothing, but V8 counts it, and looks.
 *
 * Perf: `npm run bench -- long-message`; see docs/performance.md.
 */

/** So many bytes may be garbage before V8 is made to look. */
const HINT_EVERY = 8 << 20
/** Above what V8 counts to, and above what any allocator keeps for later: it is returned to the system untouched. */
const HINT_LENGTH = 33 << 20

let given = 0

/** To be called when a Buffer of `length` bytes was made of which many follow, each for a short time. */
export function shortLivedBuffer(length: number): void {
  given += length
  if (given < HINT_EVERY) return
  given = 0
  try {
    new ArrayBuffer(HINT_LENGTH)
  } catch {
    // No room for it: then V8 has looked already.
  }
}
