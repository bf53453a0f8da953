/* Links that open bytes of the session in the explain page. */

import type { Direction } from '../../src/inspector/index.ts'
import { hex } from '../../src/inspector/index.ts'

/** Where the explain page is, seen from docs/illustrated/. */
export const EXPLAIN_PAGE = '../../src/inspector/page/explain.html'

/** What the explain page is told besides the bytes. */
export interface Explained {
  readonly direction: Direction
  readonly start: 'head' | 'frames'
  readonly extensions?: string
  /** The key of the request, for a response, and what else it is held against. */
  readonly key?: string
  readonly offers?: string
  /** Offset in `bytes` of the byte to look at. */
  readonly at?: number
}

/** @returns the address, not yet escaped for an attribute */
export function explainLink(
  bytes: Uint8Array,
  { direction, start, extensions, key, offers, at = 0 }: Explained,
): string {
  const parts = [`hex=${hex(bytes).replaceAll(' ', '')}`, `dir=${direction}`]
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`)
  }
  add('ext', extensions)
  parts.push(`start=${start}`)
  add('key', key)
  add('offers', offers)
  if (at > 0) parts.push(`at=${at}`)
  return `${EXPLAIN_PAGE}#${parts.join('&')}`
}
