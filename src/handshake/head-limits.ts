import { UsageError } from '../errors.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'

/**
 * How much of a head is read before it is refused. Every limit counts octets or lines as they arrive, whatever they say,
 * and `Infinity` is the only way to have none. RFC 6455 §10.4.
 */
export interface HeadLimits {
  /** Octets of the request-line or status-line without its CRLF. Default 8192, as nginx and Apache; breach: 414. */
  readonly maxStartLineBytes: number
  /** Octets of the whole head, the empty line included. Default 16384, as Node; breach: 431. */
  readonly maxHeadBytes: number
  /** Field lines, each counted, the repeated ones too. Default 100, as Apache; breach: 431. */
  readonly maxFieldLines: number
}

/** The limits that hold where the caller names none. */
export const DEFAULT_HEAD_LIMITS: HeadLimits = Object.freeze({
  maxStartLineBytes: 8192,
  maxHeadBytes: 16_384,
  maxFieldLines: 100,
})

const headLimitNames = {
  maxStartLineBytes: true,
  maxHeadBytes: true,
  maxFieldLines: true,
} satisfies OptionNames<HeadLimits>

/** Limits that were checked and cannot change. */
const checked = new WeakMap<Partial<HeadLimits>, HeadLimits>([[DEFAULT_HEAD_LIMITS, DEFAULT_HEAD_LIMITS]])

/**
 * The default limits with the caller's in their place.
 *
 * @throws UsageError when one is neither a positive integer nor `Infinity`, or has another name.
 */
export function headLimits(limits: Partial<HeadLimits> = DEFAULT_HEAD_LIMITS): HeadLimits {
  // Perf: `npm run bench -- handshake`; a server has the same ones for every request.
  const known = checked.get(limits)
  if (known !== undefined) return known
  checkOptionNames('limits of a head', limits, headLimitNames)
  const chosen = {
    maxStartLineBytes: limits.maxStartLineBytes ?? DEFAULT_HEAD_LIMITS.maxStartLineBytes,
    maxHeadBytes: limits.maxHeadBytes ?? DEFAULT_HEAD_LIMITS.maxHeadBytes,
    maxFieldLines: limits.maxFieldLines ?? DEFAULT_HEAD_LIMITS.maxFieldLines,
  }
  for (const [name, limit] of Object.entries(chosen)) {
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit > 0)) {
      throw new UsageError(`${name} is ${String(limit)}; it must be a positive integer or Infinity`)
    }
  }
  checked.set(Object.freeze(chosen), chosen)
  return chosen
}
