/*
 * What the feed of the live inspector says, and what it hears: one JSON object in each text message. `docs/inspector.md`
 * describes it for others.
 */
import type { Direction } from '../annotate/types.ts'
import type { ConnectionSummary, Entry } from '../record/entry.ts'

/** An illegal frame, or two, that the lab can send. */
export interface LabExercise {
  readonly name: string
  /** Id of the requirement that it breaks. */
  readonly id: string
  /** What is sent, for people. */
  readonly about: string
  /** `c2s`: the lab connects to the server and sends it; `s2c`: the lab sends it to the page's own connection. */
  readonly direction: Direction
  /** Status code with which the receiver fails the connection. */
  readonly statusCode: number
}

/** What a viewer is told. */
export type FeedMessage =
  /** First of all. */
  | {
      readonly type: 'hello'
      /** Version of this format. */
      readonly v: 1
      /** What is looked at, for people: `the server on port 8080`. */
      readonly title: string
      readonly lab: readonly LabExercise[]
      /** Why exercises with direction `c2s` are not to be had; null: they are. */
      readonly labRefusal: string | null
      /** URL of the server that the page may talk to; null: it has the lab for that. */
      readonly talkTo: string | null
    }
  /** A connection, new or changed; all that are kept come behind `hello`. */
  | { readonly type: 'connection'; readonly connection: ConnectionSummary }
  /** A connection is not kept any more. */
  | { readonly type: 'gone'; readonly connection: number }
  /** What happened on a connection that is watched, in order. `isSnapshot`: what happened before, all that is kept. */
  | {
      readonly type: 'entries'
      readonly connection: number
      readonly isSnapshot: boolean
      readonly entries: readonly Entry[]
    }
  /** Entries of a watched connection that the viewer was too slow for; `watch` again brings what is kept. */
  | { readonly type: 'dropped'; readonly connection: number; readonly entries: number }
  /** What became of a command `lab`: the connection on which it happens, or why it cannot be done. */
  | {
      readonly type: 'lab'
      readonly name: string
      readonly connection: number | null
      readonly error: string | null
    }
  /** A command that is none. */
  | { readonly type: 'error'; readonly message: string }

/** What a viewer may ask for. */
export type FeedCommand =
  /** The entries of a connection: what is kept, and then what happens. */
  | { readonly type: 'watch'; readonly connection: number }
  | { readonly type: 'unwatch'; readonly connection: number }
  /** An exercise. `connection`: with direction `s2c`, the connection of the page to `/lab` that gets it. */
  | { readonly type: 'lab'; readonly name: string; readonly connection?: number }

/** Longest command. */
export const MOST_COMMAND_BYTES = 4096

/** Reads a command. @returns what is wrong with it, as text, or the command */
export function parseCommand(text: string): FeedCommand | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'a command is a JSON object'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'a command is a JSON object'
  const { type, connection, name } = value as Readonly<Record<string, unknown>>
  const hasConnection = Number.isSafeInteger(connection)
  if (type === 'watch' || type === 'unwatch') {
    return hasConnection ? { type, connection: connection as number } : `${type}: connection is the id of one`
  }
  if (type !== 'lab') return 'type is watch, unwatch or lab'
  if (typeof name !== 'string') return 'lab: name is that of an exercise'
  if (connection !== undefined && !hasConnection) return 'lab: connection is the id of one'
  return { type, name, ...(hasConnection ? { connection: connection as number } : {}) }
}
