import { NAME, readParameters } from '../../extensions/permessage-deflate/parameters.ts'
import { parseExtensions } from '../../handshake/grammar.ts'
import { type ExtensionProposer, RsvBits } from '../../handshake/negotiation.ts'
import type { Direction } from './types.ts'

/** What the agreed extensions mean for one direction. */
export interface Agreed {
  /** As in `Sec-WebSocket-Extensions`. */
  readonly text: string
  /** Whether RSV1 has a meaning. */
  readonly rsv1Owned: boolean
  /** Whether messages refer back to those before, RFC 7692 §7.1.1. */
  readonly takesOver: boolean
}

/** No extension. */
export const NOTHING_AGREED: Agreed = { text: '', rsv1Owned: false, takesOver: false }

/**
 * Reads agreed extensions, or the first offer of permessage-deflate as if it was taken.
 *
 * @throws HandshakeError when the text is no list of extensions
 */
export function agreedOn(text: string, direction: Direction): Agreed {
  if (text.trim() === '') return NOTHING_AGREED
  const deflate = parseExtensions(text).find(({ name }) => name === NAME)
  if (deflate === undefined) return { ...NOTHING_AGREED, text }
  const isForgotten = direction === 'c2s' ? 'client_no_context_takeover' : 'server_no_context_takeover'
  return { text, rsv1Owned: true, takesOver: !deflate.params.some(([name]) => name === isForgotten) }
}

/**
 * What a client may have meant with its offers: an answer to an extension it offered is judged by the rules of RFC 7692
 * when that is permessage-deflate, and taken otherwise.
 *
 * @param offers - `Sec-WebSocket-Extensions` of the request, or of the response itself when the request is not known
 * @throws HandshakeError when it is no list of extensions
 */
export function proposersOf(offers: string): ExtensionProposer<null>[] {
  if (offers.trim() === '') return []
  const names = new Set(parseExtensions(offers).map(({ name }) => name))
  return [...names].map((name) => ({
    name,
    rsvBits: name === NAME ? RsvBits.Rsv1 : RsvBits.None,
    offers: [[]],
    confirm: ({ params }) =>
      name === NAME && readParameters(params, false) === null ? null : { params, config: null },
  }))
}
