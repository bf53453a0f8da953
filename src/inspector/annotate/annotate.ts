import { Annotator } from './annotator.ts'
import type { AnnotateContext, Annotation } from './types.ts'

/**
 * Explains bytes of a connection: every byte and bit with its name, value and section, every broken rule with its place,
 * and what the receiver must do. Needs nothing but `Uint8Array`: it runs in browsers.
 *
 * @param bytes - one direction of a connection, or a piece that begins where a head or a frame begins; they are kept, not
 *   copied, and must not be changed as long as the annotation is used
 * @param context - what is known of them; all of it can be left out
 * @throws UsageError when the context contradicts itself; never for the bytes
 * @example
 * const { units } = annotate(Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58))
 */
export function annotate(bytes: Uint8Array, context: AnnotateContext = {}): Annotation {
  const annotator = new Annotator(context)
  annotator.push(bytes)
  annotator.end()
  return annotator.annotation()
}

/** Both directions of one connection. */
export interface Conversation {
  readonly c2s: Annotation
  readonly s2c: Annotation
}

/**
 * Explains both directions: the response is held against the request, and what it agrees on holds for the frames of both.
 *
 * @param context - as for {@link annotate}, without what one direction tells of the other
 */
export function annotateBoth(
  bytes: { readonly c2s: Uint8Array; readonly s2c: Uint8Array },
  context: Omit<AnnotateContext, 'direction' | 'role' | 'request' | 'at'> = {},
): Conversation {
  const asked = annotate(bytes.c2s, { ...context, direction: 'c2s' })
  const request = requestOf(asked)
  const s2c = annotate(bytes.s2c, { ...context, direction: 's2c', ...(request === null ? {} : { request }) })
  if (context.extensions !== undefined || s2c.units[0]?.kind !== 'head') return { c2s: asked, s2c }
  const extensions = s2c.extensionsFrom === 'response' ? s2c.extensions : ''
  return { c2s: annotate(bytes.c2s, { ...context, direction: 'c2s', extensions }), s2c }
}

/** What the response to a request is held against; null when the annotation has no request with a key. */
export function requestOf(annotation: Annotation): NonNullable<AnnotateContext['request']> | null {
  const [head] = annotation.units
  if (head?.kind !== 'head' || head.direction !== 'c2s') return null
  const values = (name: string) =>
    head.fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value)
  const [key] = values('sec-websocket-key')
  if (key === undefined) return null
  const subprotocols = values('sec-websocket-protocol').flatMap((value) => value.split(',').map((name) => name.trim()))
  return { key, subprotocols, offers: values('sec-websocket-extensions').join(', ') }
}
