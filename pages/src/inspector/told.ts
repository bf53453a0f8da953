import type { FeedMessage as Said } from '../../../src/inspector/live/protocol.ts'
import type { Entry as Recorded, ShownBytes } from '../../../src/inspector/record/entry.ts'

/** Bytes as they are told: JSON has none. */
export interface ToldBytes {
  readonly base64: string
  readonly elided: number
}

/** What a record becomes on its way through JSON. */
type Told<T> = T extends ShownBytes ? ToldBytes : T extends object ? { readonly [K in keyof T]: Told<T[K]> } : T

/** What the feed says. */
export type FeedMessage = Told<Said>
/** What happened on a connection. */
export type Entry = Told<Recorded>
export type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>
/** A connection in a line. */
export type Summary = Extract<FeedMessage, { type: 'connection' }>['connection']
/** What the lab can do wrong. */
export type Exercise = Extract<FeedMessage, { type: 'hello' }>['lab'][number]

/** The bytes that were told. */
export function bytesOf({ base64 }: ToldBytes): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
