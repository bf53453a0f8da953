/** Reads what a fuzz target needs besides its subject out of the end of an input, so that the input's front stays plain. */
export class FuzzInput {
  readonly #bytes: Uint8Array
  #end: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  /** The next byte from the end; 0 when there is none. */
  byte(): number {
    return this.#end > 0 ? this.#bytes[--this.#end]! : 0
  }

  /** What was not taken, as copies cut at up to three places that the input chooses. */
  pieces(): Uint8Array[] {
    const cuts = [this.byte(), this.byte(), this.byte()]
    const ends = cuts.map((cut) => (cut * 2) % (this.#end + 1)).sort((a, b) => a - b)
    return [...ends, this.#end].map((end, i) => this.#bytes.slice(i === 0 ? 0 : ends[i - 1], end))
  }

  /** What was not taken, in one piece. */
  rest(): Uint8Array {
    return this.#bytes.slice(0, this.#end)
  }
}

/** Fails the input. */
export function must(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Error(message())
}
