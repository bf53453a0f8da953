/*
 * What permessage-deflate does in the opening handshake, RFC 7692 §5 and §7.1, and what it sets to work then.
 */

import type { FrameSink } from '../../frames/frame-sink.ts'
import { type ExtensionOffer, formatExtensions } from '../../handshake/grammar.ts'
import {
  type ExtensionAgreement,
  type ExtensionNegotiator,
  type ExtensionProposer,
  RsvBits,
} from '../../handshake/negotiation.ts'
import type { Decoder, DecoderHost, Encoder, Extension } from '../extension.ts'
import { DeflatingEncoder } from './deflating-encoder.ts'
import { InflatingDecoder } from './inflating-decoder.ts'
import { deflateMemory } from './memory.ts'
import type { CheckedDeflateOptions } from './options.ts'
import {
  type DeflateParameters,
  MAX_WINDOW_BITS,
  MIN_WINDOW_BITS,
  NAME,
  readParameters,
  writeParameters,
} from './parameters.ts'

/** One direction of a connection. */
interface Direction {
  readonly windowBits: number
  /** Whether the window is kept from message to message. */
  readonly takeover: boolean
}

/** permessage-deflate with the parameters that one connection agreed on. */
class PerMessageDeflate implements Extension {
  readonly agreed: string
  readonly #sent: Direction
  readonly #received: Direction
  readonly #options: CheckedDeflateOptions

  constructor(agreed: string, sent: Direction, received: Direction, options: CheckedDeflateOptions) {
    this.agreed = agreed
    this.#sent = sent
    this.#received = received
    this.#options = options
  }

  decoder(next: FrameSink, host: DecoderHost, maxPayload: number): Decoder {
    const { windowBits, takeover } = this.#received
    return new InflatingDecoder(next, host, maxPayload, deflateMemory.inflaters(windowBits), takeover)
  }

  encoder(): Encoder {
    const { level, memLevel, strategy, threshold, compress } = this.#options
    const { windowBits, takeover } = this.#sent
    const kind = deflateMemory.deflaters({ windowBits, level, memLevel, strategy })
    return new DeflatingEncoder(kind, takeover, threshold, compress)
  }
}

function agreement(
  parameters: DeflateParameters,
  sent: Direction,
  received: Direction,
  options: CheckedDeflateOptions,
): ExtensionAgreement<Extension> {
  const params = writeParameters(parameters)
  const agreed = formatExtensions([{ name: NAME, params }])
  // @req 7692-5-15
  return { params, config: new PerMessageDeflate(agreed, sent, received, options) }
}

/** What a server may send, and its client inflates: the agreed window, whatever the client would have liked. */
// @req 7692-7.2.1-6 @req 7692-7.2.1-14 @req 7692-7.2.2-7 @req 7692-7.2.2-10
function serverDirection(agreed: DeflateParameters): Direction {
  return { windowBits: agreed.serverMaxWindowBits ?? MAX_WINDOW_BITS, takeover: !agreed.serverNoContextTakeover }
}

// @req 7692-7.2.2-4 @req 7692-7.2.2-5 @req 7692-7.2.2-8 @req 7692-7.2.2-9
function clientDirection(agreed: DeflateParameters): Direction {
  const { clientMaxWindowBits, clientNoContextTakeover } = agreed
  const windowBits = typeof clientMaxWindowBits === 'number' ? clientMaxWindowBits : MAX_WINDOW_BITS
  return { windowBits, takeover: !clientNoContextTakeover }
}

/** How a server answers offers of permessage-deflate. */
export function deflateNegotiator(options: CheckedDeflateOptions): ExtensionNegotiator<Extension> {
  return {
    name: NAME,
    rsvBits: RsvBits.Rsv1,
    accept(offer) {
      const asked = readParameters(offer.params, true)
      // @req 7692-7-4 @req 7692-5-7 @req 7692-7.1.2.1-6
      if (asked === null || (asked.serverMaxWindowBits ?? MAX_WINDOW_BITS) < MIN_WINDOW_BITS) return null
      if (!deflateMemory.hasRoom) return null
      const agreed = answerTo(asked, options)
      const { windowBits, takeover } = serverDirection(agreed)
      const sent = { windowBits: Math.min(windowBits, options.serverMaxWindowBits), takeover }
      return agreement(agreed, sent, clientDirection(agreed), options)
    },
  }
}

/** RFC 7692 §7.1: what the server answers to an offer it accepts. */
function answerTo(asked: DeflateParameters, options: CheckedDeflateOptions): DeflateParameters {
  // @req 7692-5-8 @req 7692-7.1.1.1-3 @req 7692-7.1.1.1-4 @req 7692-7.1.1.2-2
  return {
    serverNoContextTakeover: asked.serverNoContextTakeover || options.serverNoContextTakeover,
    clientNoContextTakeover: options.clientNoContextTakeover,
    // Stricter than RFC: a smaller window of ours is used and not told unasked; it does no harm, and some clients refuse
    // an answer that tells it (nhooyr.io/websocket).
    // @req 7692-7.1.2.1-3 @req 7692-7.1.2.1-5 @req 7692-5-4
    serverMaxWindowBits:
      asked.serverMaxWindowBits === undefined
        ? undefined
        : Math.min(asked.serverMaxWindowBits, options.serverMaxWindowBits),
    // @req 7692-7.1.2.2-3 @req 7692-7.1.2.2-5
    clientMaxWindowBits:
      asked.clientMaxWindowBits === undefined ? undefined : clientBits(asked.clientMaxWindowBits, options),
  }
}

/** A hint of 8 is not taken up: then the window is 32 KiB, and a client that uses less does no harm. */
function clientBits(hint: number | true, options: CheckedDeflateOptions): number | undefined {
  const { clientMaxWindowBits } = options
  if (hint === true) return clientMaxWindowBits === MAX_WINDOW_BITS ? undefined : clientMaxWindowBits
  return hint < MIN_WINDOW_BITS ? undefined : Math.min(hint, clientMaxWindowBits)
}

/** How a client offers permessage-deflate, and judges the answer. */
export function deflateProposer(options: CheckedDeflateOptions): ExtensionProposer<Extension> {
  return {
    name: NAME,
    rsvBits: RsvBits.Rsv1,
    // One offer, and by default a plain one: there are servers that refuse a request with two, or with a parameter that
    // they cannot heed (nhooyr.io/websocket, 400), and one that accepts both (libsoup).
    // @req 7692-5-1 @req 7692-5-2 @req 7692-7.1.1.1-1 @req 7692-7.1.1.2-1 @req 7692-7.1.2.1-1 @req 7692-5-5
    offers: [writeParameters(options.offer)],
    confirm(answer: ExtensionOffer): ExtensionAgreement<Extension> | null {
      const agreed = readParameters(answer.params, false)
      // Lenient: an answer need not say what the offer asked for; we inflate what comes (Tornado says neither flag). But
      // zlib cannot deflate with a window of 256 bytes.
      // @req 7692-7-5 @req 7692-5-14
      if (agreed === null || agreed.clientMaxWindowBits === 8) return null
      return agreement(agreed, ownDirection(agreed, options), serverDirection(agreed), options)
    },
  }
}

/** A client may use less memory than it may: a smaller window, and none from message to message. */
// @req 7692-7.1.1.2-3 @req 7692-7.2.1-12 @req 7692-7.2.1-13
function ownDirection(agreed: DeflateParameters, options: CheckedDeflateOptions): Direction {
  const { windowBits, takeover } = clientDirection(agreed)
  return {
    windowBits: Math.min(windowBits, options.clientMaxWindowBits),
    takeover: takeover && !options.clientNoContextTakeover,
  }
}
