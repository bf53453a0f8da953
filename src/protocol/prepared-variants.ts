import type { Encoder } from '../extensions/extension.ts'
import { headerLength, RSV1, writeHeader } from '../frames/header.ts'

/** A whole message in one frame, FIN set and not masked. */
export interface PreparedFrame {
  /** The first byte, RFC 6455 §5.2. */
  readonly byte0: number
  readonly frame: Uint8Array
  /** The payload, where it lies in `frame`. */
  readonly payload: Uint8Array
}

/** A variant, or who waits for it. */
type Variant = PreparedFrame | Array<() => void>

/**
 * What extensions made of one prepared message: each variant is encoded once, whoever asks first, and by an encoder that
 * belongs to no connection, so that nobody waits in vain when one of them ends.
 */
export class PreparedVariants {
  readonly #message: PreparedFrame
  readonly #variants: Map<string, Variant> = new Map()

  /** @param message - as it is without extensions */
  constructor(message: PreparedFrame) {
    this.#message = message
  }

  /**
   * What to send: the variant called `name`, or the message as it is when there is no memory to encode it.
   *
   * @returns null while the variant is encoded elsewhere: see {@link whenMade}
   */
  get(name: string, encoder: Encoder): PreparedFrame | null {
    const variant = this.#variants.get(name)
    if (variant === undefined) return this.#make(name, encoder.forVariant())
    return Array.isArray(variant) ? null : variant
  }

  /** Calls back when the variant is there that `get` did not have yet. It is not called before this returns. */
  whenMade(name: string, made: () => void): void {
    const waiting = this.#variants.get(name) as Array<() => void>
    waiting.push(made)
  }

  #make(name: string, encoder: Encoder): PreparedFrame | null {
    const { payload } = this.#message
    if (!encoder.begin(payload.length)) return this.#message
    const byteCount = encoder.encode(payload, true)
    if (byteCount >= 0) return this.#keep(name, encoder.output, byteCount)
    const waiting: Array<() => void> = []
    this.#variants.set(name, waiting)
    encoder.encodeLater(payload, true, (encoded) => {
      this.#keep(name, encoded, encoded.length)
      for (const made of waiting) made()
    })
    return null
  }

  #keep(name: string, bytes: Uint8Array, byteCount: number): PreparedFrame {
    const header = headerLength(byteCount, false)
    const byte0 = this.#message.byte0 | RSV1
    const frame = new Uint8Array(header + byteCount)
    // @req 7692-6.1-1
    writeHeader(frame, 0, byte0, 0, byteCount)
    frame.set(bytes.subarray(0, byteCount), header)
    const variant = { byte0, frame, payload: frame.subarray(header) }
    this.#variants.set(name, variant)
    return variant
  }
}
