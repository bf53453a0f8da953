/** Which way the bytes flow that a fault is in: from the client, to the client, or either. */
export type Direction = 'upstream' | 'downstream' | 'both'

interface OneWay {
  /** Default `'downstream'`: what the client receives. */
  readonly direction?: Direction
  /** Probability from 0 to 1 that a connection has the fault. Default 1. */
  readonly toxicity?: number
}

/**
 * What goes wrong on a connection: the faults of toxiproxy under their names there. Times are in milliseconds.
 *
 * - `latency`: every byte arrives later by `ms`, give or take `jitterMs`; order is kept.
 * - `down`: the connection is gone after `ms` (at once by default), on both sides, without a word. It has no direction.
 * - `bandwidth`: at most `kibPerSecond` pass.
 * - `slow_close`: the end of the stream comes `ms` late.
 * - `timeout`: nothing passes, not even the end; after `ms` both sides are closed, with 0 never.
 * - `reset_peer`: after `ms` whom the bytes go to gets a RST, the other side an end.
 * - `slicer`: the bytes come in pieces of `bytes`, give or take `variation`, with `delayMs` between them.
 * - `limit_data`: both sides are closed once `bytes` have passed.
 */
export type Fault = OneWay &
  (
    | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs?: number }
    | { readonly kind: 'down'; readonly ms?: number }
    | { readonly kind: 'bandwidth'; readonly kibPerSecond: number }
    | { readonly kind: 'slow_close'; readonly ms: number }
    | { readonly kind: 'timeout'; readonly ms: number }
    | { readonly kind: 'reset_peer'; readonly ms: number }
    | { readonly kind: 'slicer'; readonly bytes: number; readonly variation?: number; readonly delayMs?: number }
    | { readonly kind: 'limit_data'; readonly bytes: number }
  )

/** How each fault is written, for help texts. */
export const FAULT_FORMS: readonly string[] = [
  'latency:MS[±JITTER]',
  'down[:AFTER_MS]',
  'bandwidth:KIB_PER_SECOND',
  'slow_close:MS',
  'timeout:MS',
  'reset_peer:MS',
  'slicer:BYTES[±VARIATION][/DELAY_MS]',
  'limit_data:BYTES',
]

const NUMBER = String.raw`(\d+(?:\.\d+)?)`
const PLUS_MINUS = String.raw`(?:(?:±|\+-)${NUMBER})?`
const ONE = new RegExp(`^${NUMBER}$`)
const SPREAD = new RegExp(`^${NUMBER}${PLUS_MINUS}$`)
const SLICES = new RegExp(`^${NUMBER}${PLUS_MINUS}(?:/${NUMBER})?$`)

/**
 * Reads a fault as the command line has it: `KIND[:VALUES][,upstream|,downstream|,both][,toxicity=P]`.
 *
 * @throws Error that says what was given and what is possible
 */
export function parseFault(text: string): Fault {
  const [what = '', ...choices] = text.split(',')
  const colon = what.indexOf(':')
  const kind = colon < 0 ? what : what.slice(0, colon)
  const fault = faultOf(kind, colon < 0 ? '' : what.slice(colon + 1), text)
  let oneWay: OneWay = {}
  for (const choice of choices) oneWay = { ...oneWay, ...choiceOf(choice, text) }
  if (fault.kind === 'down' && oneWay.direction !== undefined) {
    throw new Error(`fault "${text}": down is on both sides, it takes no direction`)
  }
  return { ...fault, ...oneWay }
}

function faultOf(kind: string, values: string, text: string): Fault {
  const read = (pattern: RegExp): Array<number | undefined> => {
    const match = pattern.exec(values)
    if (match === null) {
      const form = FAULT_FORMS.find((each) => each.startsWith(kind))
      throw new Error(`fault "${text}": the values "${values}" do not fit; write ${form}`)
    }
    return match.slice(1).map((value) => (value === undefined ? undefined : Number(value)))
  }
  switch (kind) {
    case 'latency': {
      const [ms = 0, jitterMs = 0] = read(SPREAD)
      return { kind, ms, jitterMs }
    }
    case 'down':
      return { kind, ms: values === '' ? 0 : read(ONE)[0]! }
    case 'bandwidth': {
      const [kibPerSecond = 0] = read(ONE)
      if (kibPerSecond === 0) throw new Error(`fault "${text}": nothing passes at 0 KiB/s; that is timeout:0`)
      return { kind, kibPerSecond }
    }
    case 'slow_close':
    case 'timeout':
    case 'reset_peer':
      return { kind, ms: read(ONE)[0]! }
    case 'slicer': {
      const [bytes = 0, variation = 0, delayMs = 0] = read(SLICES)
      if (bytes < 1) throw new Error(`fault "${text}": a slice has at least 1 byte`)
      return { kind, bytes, variation, delayMs }
    }
    case 'limit_data': {
      const [bytes = 0] = read(ONE)
      if (bytes < 1) throw new Error(`fault "${text}": the limit is at least 1 byte; without any, that is down`)
      return { kind, bytes }
    }
    default:
      throw new Error(`fault "${text}": there is no "${kind}"; there are ${FAULT_FORMS.join(', ')}`)
  }
}

function choiceOf(choice: string, text: string): OneWay {
  if (choice === 'upstream' || choice === 'downstream' || choice === 'both') return { direction: choice }
  const toxicity = Number(/^toxicity=(.+)$/.exec(choice)?.[1])
  if (toxicity >= 0 && toxicity <= 1) return { toxicity }
  throw new Error(`fault "${text}": "${choice}" is neither upstream, downstream, both nor toxicity=0..1`)
}
