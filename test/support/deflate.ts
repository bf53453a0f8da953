import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Extension } from '../../src/extensions/extension.ts'
import { checkDeflateOptions, type PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { deflateNegotiator, deflateProposer } from '../../src/extensions/permessage-deflate/permessage-deflate.ts'
import { formatExtensions, parseExtensions } from '../../src/handshake/grammar.ts'
import { confirmExtensions, negotiateExtensions, offersOf } from '../../src/handshake/negotiation.ts'

/** What a server with these options does with a `Sec-WebSocket-Extensions` field; null when it agrees on nothing. */
export function answer(offers: string, options: PerMessageDeflateOptions | true = true): Extension | null {
  const checked = checkDeflateOptions(options)
  if (checked === null) throw new Error('compression is off')
  return negotiateExtensions(parseExtensions(offers), [deflateNegotiator(checked)])[0]?.config ?? null
}

/** The same, for tests that need an agreement. */
export function serverExtension(offers: string, options: PerMessageDeflateOptions | true = true): Extension {
  const extension = answer(offers, options)
  if (extension === null) throw new Error(`nothing was agreed on for ${offers}`)
  return extension
}

/** What a client with these options offers. */
export function offers(options: PerMessageDeflateOptions | true = true): string {
  return formatExtensions(offersOf([proposer(options)]))
}

/** What a client with these options makes of an answer; throws what the opening handshake would. */
export function confirm(answered: string, options: PerMessageDeflateOptions | true = true): Extension {
  const [first] = confirmExtensions(parseExtensions(answered, 101), [proposer(options)], 101)
  if (first === undefined) throw new Error('nothing was confirmed')
  return first.config
}

function proposer(options: PerMessageDeflateOptions | true) {
  const checked = checkDeflateOptions(options)
  if (checked === null) throw new Error('compression is off')
  return deflateProposer(checked)
}

/** Both ends of a connection whose client has `clientOptions` and whose server has `serverOptions`. */
export function agree(
  serverOptions: PerMessageDeflateOptions | true,
  clientOptions: PerMessageDeflateOptions | true = {},
): { client: Extension; server: Extension } {
  const server = serverExtension(offers(clientOptions), serverOptions)
  return { server, client: confirm(server.agreed, clientOptions) }
}

/** The payload of a compressed message, RFC 7692 §7.2.1, made without the code under test. */
export function compressed(payload: string | Uint8Array, dictionary?: Uint8Array): Uint8Array {
  const deflated = deflateRawSync(payload, {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary === undefined ? {} : { dictionary }),
  })
  return new Uint8Array(deflated.subarray(0, -4))
}

/** What a compressed message of one connection without context says, made without the code under test. */
export function inflated(payload: Uint8Array): Uint8Array {
  return inflateRawSync(Buffer.concat([payload, Uint8Array.of(0, 0, 0xff, 0xff)]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
}
