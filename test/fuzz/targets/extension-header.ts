import { HandshakeError } from '../../../src/errors.ts'
import { checkDeflateOptions } from '../../../src/extensions/permessage-deflate/options.ts'
import { deflateNegotiator } from '../../../src/extensions/permessage-deflate/permessage-deflate.ts'
import { formatExtensions, parseExtensions, parseSubprotocols } from '../../../src/handshake/grammar.ts'
import { negotiateExtensions } from '../../../src/handshake/negotiation.ts'
import { must } from '../input.ts'

const negotiators = [deflateNegotiator(checkDeflateOptions(true)!)]

/**
 * A `Sec-WebSocket-Extensions` value: refused with `HandshakeError` or read; what is read is the same when it is
 * written and read again; negotiating never throws. The same text as a list of subprotocols is refused or read.
 */
export function fuzz(data: Uint8Array): void {
  const text = Buffer.from(data).toString('latin1')
  const offers = unlessRefused(() => parseExtensions(text))
  unlessRefused(() => parseSubprotocols(text))
  if (offers === null) return
  const again = parseExtensions(formatExtensions(offers))
  must(
    JSON.stringify(again) === JSON.stringify(offers),
    () => `${JSON.stringify(offers)} became ${JSON.stringify(again)}`,
  )
  must(negotiateExtensions(offers, negotiators).length <= 1, () => 'an extension was agreed on twice')
}

function unlessRefused<T>(action: () => T): T | null {
  try {
    return action()
  } catch (error) {
    if (error instanceof HandshakeError) return null
    throw error
  }
}
