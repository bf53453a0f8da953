import { formatExtensions, parseExtensions, parseSubprotocols } from '../handshake/grammar.ts'

/** Parameters of an extension as `ws` has them: by name, each a list of values; true stands for none. */
export type ExtensionParams = Record<string, Array<string | true>>

/** `Sec-WebSocket-Extensions`, RFC 6455 §9.1, in the shapes of `ws`. */
export const extension = {
  /** The extensions of a header, by name, each a list of what was offered. @throws HandshakeError when it is malformed */
  parse(header: string): Record<string, ExtensionParams[]> {
    const offers: Record<string, ExtensionParams[]> = Object.create(null)
    for (const { name, params } of parseExtensions(header)) {
      const byName: ExtensionParams = Object.create(null)
      for (const [key, value] of params) {
        byName[key] ??= []
        byName[key].push(value ?? true)
      }
      offers[name] ??= []
      offers[name].push(byName)
    }
    return offers
  },

  /** The header of extensions that {@link parse} gives back. */
  format(extensions: Record<string, ExtensionParams | readonly ExtensionParams[]>): string {
    return formatExtensions(
      Object.entries(extensions).flatMap(([name, offers]) =>
        (Array.isArray(offers) ? offers : [offers]).map((offer: ExtensionParams) => ({
          name,
          params: Object.entries(offer).flatMap(([key, values]) => values.map((value) => [key, value] as const)),
        })),
      ),
    )
  },
}

/** `Sec-WebSocket-Protocol`, RFC 6455 §11.3.4, in the shape of `ws`. */
export const subprotocol = {
  /** The subprotocols of a header. @throws HandshakeError when it is malformed */
  parse(header: string): Set<string> {
    return new Set(parseSubprotocols(header))
  },
}
