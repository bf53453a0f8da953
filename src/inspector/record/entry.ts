import type { CloseInfo } from '../../socket/close-info.ts'
import type { Direction, NoiseKind, Verdict } from '../annotate/types.ts'
import type { Range } from './redact.ts'

/** Most bytes that an entry shows. */
const MOST_SHOWN = 64 << 10

/** Bytes that an entry shows; in JSON they are `{ base64, elided }`. */
export class ShownBytes {
  readonly bytes: Uint8Array
  /** Bytes that are left out at the end. */
  readonly elided: number

  /** @param length - how many there are; default: those that are given */
  constructor(bytes: Uint8Array, length: number = bytes.length) {
    // What is left out is not kept either.
    this.bytes = bytes.length > MOST_SHOWN ? bytes.slice(0, MOST_SHOWN) : bytes
    this.elided = length - this.bytes.length
  }

  toJSON(): { base64: string; elided: number } {
    const { buffer, byteOffset, length } = this.bytes
    return { base64: Buffer.from(buffer, byteOffset, length).toString('base64'), elided: this.elided }
  }
}

/** What all entries have. */
interface EntryBase {
  /** Position among the entries of its connection, from 0; rising, without gaps. */
  readonly seq: number
  /** Milliseconds since the connection was taken. */
  readonly atMs: number
}

/** What one read or one write of the transport carried. */
export interface ChunkEntry extends EntryBase {
  readonly kind: 'chunk'
  readonly direction: Direction
  /** Offsets in its direction. */
  readonly at: number
  readonly end: number
}

/** The head of the request or of the response. Its bytes are those of the wire, but for secrets. */
export interface HeadEntry extends EntryBase {
  readonly kind: 'head'
  readonly direction: Direction
  readonly index: number
  readonly at: number
  readonly end: number
  readonly startLine: string
  readonly wire: ShownBytes
  /** Offsets of the secrets, which are `*` here. */
  readonly redacted: readonly Range[]
  /** Whether `node:http` had read it, and it is written anew. */
  readonly isRebuilt: boolean
  readonly verdicts: readonly Verdict[]
}

/** A frame, RFC 6455 §5.2. */
export interface FrameEntry extends EntryBase {
  readonly kind: 'frame'
  readonly direction: Direction
  readonly index: number
  readonly at: number
  readonly end: number
  readonly fin: boolean
  readonly rsv1: boolean
  readonly rsv2: boolean
  readonly rsv3: boolean
  readonly opcode: number
  readonly masked: boolean
  readonly headerLength: number
  /** As announced; null when it is not known. */
  readonly payloadLength: number | null
  readonly wire: ShownBytes
  /** The beginning of the payload as text: what a text frame says, or the reason of a Close frame; null for others. */
  readonly preview: string | null
  /** The status code of a Close frame; null for others, and when it has none. */
  readonly statusCode: number | null
  /** Index of its message; null for control frames and strays. */
  readonly message: number | null
  /** Which frame of its message it is, from 0. */
  readonly part: number
  readonly isCut: boolean
  /** Whether the receiver never looks at it, because of something before it. */
  readonly isUnread: boolean
  readonly verdicts: readonly Verdict[]
}

/** Bytes that are neither a head nor frames. */
export interface NoiseEntry extends EntryBase {
  readonly kind: 'noise'
  readonly direction: Direction
  readonly index: number
  readonly at: number
  readonly what: NoiseKind
  readonly wire: ShownBytes
  readonly verdicts: readonly Verdict[]
}

/** A message is complete. */
export interface MessageEntry extends EntryBase {
  readonly kind: 'message'
  readonly direction: Direction
  readonly index: number
  readonly opcode: number
  readonly compressed: boolean
  /** Indexes of its frames, as far as they are known. */
  readonly frames: readonly number[]
  readonly wireLength: number
  /** Bytes of the message, inflated; null when that is not known. */
  readonly length: number | null
  readonly bytes: ShownBytes | null
  readonly isBroken: boolean
}

/** `readyState` changed. */
export interface StateEntry extends EntryBase {
  readonly kind: 'state'
  readonly state: 'CONNECTING' | 'OPEN' | 'CLOSING' | 'CLOSED'
  /** Whose Close frame was first; null for other states. */
  readonly by: 'client' | 'server' | null
}

/** The sender of this direction ended it: FIN, or the connection was reset or thrown away. */
export interface EndEntry extends EntryBase {
  readonly kind: 'end'
  readonly direction: Direction
  readonly how: 'fin' | 'reset'
}

/** Something went wrong: a handshake was refused, the transport broke. */
export interface ErrorEntry extends EntryBase {
  readonly kind: 'error'
  readonly message: string
  /** Id of the requirement, or null. */
  readonly requirement: string | null
}

/** How it ended, as our side told its application. */
export interface CloseEntry extends EntryBase {
  readonly kind: 'close'
  readonly side: 'client' | 'server'
  readonly info: Pick<CloseInfo, 'code' | 'reason' | 'sentCode' | 'initiator' | 'cause' | 'requirement' | 'wasClean'>
}

/** What happened on a connection. */
export type Entry =
  | ChunkEntry
  | HeadEntry
  | FrameEntry
  | NoiseEntry
  | MessageEntry
  | StateEntry
  | EndEntry
  | ErrorEntry
  | CloseEntry

/** An entry before it has its place. */
export type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'seq' | 'atMs'> : never) : never

/** One connection in a line. */
export interface ConnectionSummary {
  readonly id: number
  /** When it was taken, as in RFC 3339. */
  readonly startedAt: string
  readonly remoteAddress: string | null
  readonly remotePort: number | null
  readonly localPort: number | null
  readonly isEncrypted: boolean
  /** `client`: the lab is its client; `server`: the lab is its server. Null: it is nobody's of the lab. */
  readonly lab: 'client' | 'server' | null
  readonly state: StateEntry['state']
  /** The request-target; empty before the head is complete. */
  readonly target: string
  /** The extensions agreed on, as in `Sec-WebSocket-Extensions`. */
  readonly extensions: string
  readonly protocol: string
  readonly frames: { readonly c2s: number; readonly s2c: number }
  readonly bytes: { readonly c2s: number; readonly s2c: number }
  readonly verdicts: number
  /** Entries that there were and are not kept any more. */
  readonly droppedEntries: number
  /** How it ended; null before that, and where nobody knows. */
  readonly close: CloseEntry['info'] | null
}
