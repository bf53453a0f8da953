import type { Role } from '../../frames/header.ts'

/** Which way bytes go: from client to server, or from server to client. */
export type Direction = 'c2s' | 's2c'

/** How strongly a requirement binds, RFC 2119. */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY' | 'OPTIONAL'

/**
 * A named piece of bytes. Spans lie one behind the other and tile their unit without gap or overlap; where several share
 * a byte, their bits tile the byte.
 */
export interface Span {
  /** Offset of the first byte in the stream. */
  readonly at: number
  /** Offset behind the last byte. */
  readonly end: number
  /** First and last bit, when the span is part of a byte; bit 0 is the most significant one, as in RFC 6455 §5.2. */
  readonly bits?: readonly [first: number, last: number]
  /** Name of the field: the RFC's own word. */
  readonly field: string
  /** What stands there: bits as binary digits, bytes as hex, cut behind 32 bytes. */
  readonly raw: string
  /** What it is worth: a number, or text. */
  readonly value: number | string
  /** Key of the prose that {@link Span} has in `prose`. */
  readonly textKey: string
  /** Section, such as `'6455-5.2'`; empty where no RFC speaks of it. */
  readonly ref: string
}

/** What the endpoint that sees a fault does, and which requirement says so. */
export interface Duty {
  /** Fail the connection, refuse the handshake, or take no notice. */
  readonly action: 'fail' | 'refuse' | 'ignore'
  /** How the RFC puts it; null when it names the rule and leaves the consequence to the endpoint. */
  readonly level: Level | null
  /** The requirement that says it, or null. */
  readonly id: string | null
  /** The Close frame that goes with it: its code, and how strongly the RFC asks for it. */
  readonly close: { readonly statusCode: number; readonly level: Level; readonly id: string } | null
}

/** The change of bytes that would keep the rule. */
export interface Mend {
  /** Offset of the first byte to change. */
  readonly at: number
  /** The bytes as they are on the wire, in hex. */
  readonly from: string
  /** The bytes as they should be; null when no change of these bytes is enough. */
  readonly to: string | null
  /** What that does: `'clears RSV2'`. */
  readonly text: string
}

/** A rule that the bytes break. */
export interface Verdict {
  /** Id of the requirement, a row of `docs/rfc/requirements.tsv`, or a rule of RFC 9110/9112 such as `'9112-5.1'`. */
  readonly id: string
  /** Name of the rule: a key of `violations` of `framewright/frames`, `Handshake` or `DataAfterClose`. */
  readonly rule: string
  /** Offset of the first byte at fault. */
  readonly at: number
  /** Offset behind the last one. */
  readonly end: number
  /** First bit at fault, when it is not the whole byte. */
  readonly bit?: number
  /** First and last bit at fault. */
  readonly bits?: readonly [first: number, last: number]
  /** Code of the Close frame that answers it; null for a handshake and for what is ignored. */
  readonly statusCode: number | null
  /** Status of the HTTP response that refuses it, or that it came with; null for frames. */
  readonly httpStatus: number | null
  /** What arrived, then what the rule wants. */
  readonly message: string
  /** How strongly the broken requirement binds; null for rules that are not in the table. */
  readonly level: Level | null
  readonly duty: Duty
  readonly mend: Mend | null
}

/** What all units have. */
interface UnitBase {
  /** Which unit of the stream it is, from 0. */
  readonly index: number
  readonly at: number
  readonly end: number
  /** Whether the input ends inside it. */
  readonly isCut: boolean
  /** Whether the receiver never looks at it, because of something before it: see `stop`. */
  readonly isUnread: boolean
  readonly spans: readonly Span[]
  readonly verdicts: readonly Verdict[]
}

/** One frame, RFC 6455 §5.2. */
export interface FrameUnit extends UnitBase {
  readonly kind: 'frame'
  readonly fin: boolean
  readonly rsv1: boolean
  readonly rsv2: boolean
  readonly rsv3: boolean
  readonly opcode: number
  readonly masked: boolean
  /** Bytes of the header that are there, masking-key included. */
  readonly headerLength: number
  /** As announced; null when the input ends before it is known. */
  readonly payloadLength: number | null
  /** The four bytes, or null when the frame is not masked or its key is cut. */
  readonly maskingKey: Uint8Array | null
  /** The frame as it came, as much of it as there is. */
  readonly wire: Uint8Array
  /** Its payload unmasked, as much of it as there is. */
  readonly plain: Uint8Array
  /** The message it belongs to, an index of `messages`; null for control frames and strays. */
  readonly message: number | null
  /** Which frame of its message it is, from 0. */
  readonly part: number
}

/** One field line of a head. */
export interface HeadField {
  readonly name: string
  readonly value: string
  readonly at: number
  readonly end: number
  /** Whether the opening handshake needs it. */
  readonly isRequired: boolean
  /** `ignored` is what WebSocket knows nothing of. */
  readonly state: 'valid' | 'broken' | 'ignored'
  /** Key of its prose. */
  readonly textKey: string
  readonly ref: string
}

/** How the accept value comes from the key, RFC 6455 §4.2.2. */
export interface AcceptSteps {
  readonly key: string
  readonly guid: string
  /** Key and GUID, one behind the other, as text. */
  readonly joined: string
  /** SHA-1 of that text: 20 bytes in hex. */
  readonly sha1: string
  /** These bytes in base64: the accept value. */
  readonly accept: string
}

/** The head of a request or of a response, RFC 6455 §4. */
export interface HeadUnit extends UnitBase {
  readonly kind: 'head'
  readonly direction: Direction
  /** The request-line or status-line, as text. */
  readonly startLine: string
  readonly fields: readonly HeadField[]
  /** Required fields that are not there, in lower case. */
  readonly missing: readonly string[]
  /** The accept value that belongs to the key; null when there is no valid key, or no SHA-1 was given. */
  readonly accept: AcceptSteps | null
  readonly wire: Uint8Array
}

/** What bytes are that are neither a head nor a frame. */
export type NoiseKind = 'http-request' | 'http-response' | 'http-body' | 'http2' | 'tls' | 'unreadable'

/** Bytes that are no WebSocket; to the end of the input. */
export interface NoiseUnit extends UnitBase {
  readonly kind: 'noise'
  readonly what: NoiseKind
  /** Key of the prose that says what they are and what to do. */
  readonly textKey: string
  /** The first bytes of it. */
  readonly wire: Uint8Array
}

/** A piece of the stream. Units tile it. */
export type Unit = HeadUnit | FrameUnit | NoiseUnit

/** One message: the frames of it joined, RFC 6455 §5.4. */
export interface Message {
  readonly index: number
  /** Its frames: indexes of `units`. */
  readonly frames: readonly number[]
  /** 1 text, 2 binary. */
  readonly opcode: number
  /** Whether its first frame has RSV1 and an extension owns it. */
  readonly compressed: boolean
  /** Whether its last frame is there, whole. */
  readonly isComplete: boolean
  /** Whether a rule is broken in it. */
  readonly isBroken: boolean
  /** Payload bytes of its frames, on the wire. */
  readonly wireLength: number
  /** The payloads joined and unmasked, compressed as they may be. */
  readonly joined: Uint8Array
  /** The message: inflated if it is compressed; null when nobody could inflate it. */
  readonly bytes: Uint8Array | null
  /** The message as text; null when it is binary or not known. */
  readonly text: string | null
}

/** Where the receiver stops reading. */
export interface Stop {
  readonly reason: 'violation' | 'close' | 'handshake' | 'not-websocket'
  /** Index of the unit. */
  readonly unit: number
  /** Offset of the byte that shows it, or, after Close, behind the frame. */
  readonly at: number
  /** The first verdict; null after a Close frame that keeps the rules, and for noise without one. */
  readonly verdict: Verdict | null
}

/** What {@link annotate} found. */
export interface Annotation {
  /** Version of this shape. */
  readonly v: 1
  readonly direction: Direction
  /** Whether the direction was told, or guessed from the first bytes. */
  readonly isDirectionGuessed: boolean
  /** Who receives the bytes. */
  readonly role: Role
  /** The extensions taken as agreed, as in `Sec-WebSocket-Extensions`; empty: none. */
  readonly extensions: string
  /** `told`, `response` when the response in these bytes says so, `offered` when only the offer was seen; `none`. */
  readonly extensionsFrom: 'told' | 'response' | 'offered' | 'none'
  readonly units: readonly Unit[]
  readonly messages: readonly Message[]
  readonly stop: Stop | null
}

/** What `inflate` is told besides the data. */
export interface InflateContext {
  /** Index of the message. */
  readonly index: number
  /** The last bytes that were inflated before, at most 32 KiB; empty without context takeover; null: not known. */
  readonly dictionary: Uint8Array | null
  /** Whether the data is the whole message; otherwise it is the beginning of one, and what can be inflated is wanted. */
  readonly isWhole: boolean
  /** More bytes than these need not come out. */
  readonly maxLength: number
}

/**
 * The bytes inflated; what is wrong with the data; or undefined when it is not known (yet). `window` is what the next
 * message may refer back to: it need only be said when the data has a block with BFINAL 1 (RFC 7692 §7.2.3.4), behind which
 * nothing of what came before is left.
 */
export type Inflated =
  | Uint8Array
  | { readonly bytes: Uint8Array; readonly window: Uint8Array }
  | 'corrupt'
  | 'too-long'
  | undefined

/** What {@link annotate} is told. */
export interface AnnotateContext {
  /** Which way the bytes go. Default: what `role` says, or else what the first bytes look like. */
  readonly direction?: Direction | undefined
  /** Who receives them: `'server'` is the same as direction `'c2s'`. */
  readonly role?: Role | undefined
  /** Offset of the first byte in the stream; default 0. */
  readonly at?: number | undefined
  /** What the bytes begin with: default `'auto'`, a head if they look like one. */
  readonly start?: 'auto' | 'head' | 'frames' | undefined
  /**
   * The extensions agreed on, as in `Sec-WebSocket-Extensions` of a response; `''` for none. Default: what the head in these
   * bytes says.
   */
  readonly extensions?: string | undefined
  /** For a response: the request it answers. Default: not known, so the accept value is not judged. */
  readonly request?:
    | { readonly key: string; readonly subprotocols: readonly string[]; readonly offers: string }
    | undefined
  /** Most bytes of one message; default Infinity. */
  readonly maxPayload?: number | undefined
  /** Most frames of one message; default Infinity. */
  readonly maxFragments?: number | undefined
  /** SHA-1 of bytes, 20 bytes; undefined when it is not known (yet). Default: accept values are not computed. */
  readonly sha1?: ((bytes: Uint8Array) => Uint8Array | undefined) | undefined
  /**
   * Inflates raw DEFLATE data (RFC 1951) that lacks its last `00 00 ff ff` (RFC 7692 §7.2.2). Default: compressed messages
   * stay as they are.
   */
  readonly inflate?: ((data: Uint8Array, context: InflateContext) => Inflated) | undefined
}
