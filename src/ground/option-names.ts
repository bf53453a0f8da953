import { quote, UsageError } from '../errors.ts'

/** All names that an object of options may have: the compiler sees to it that none is missing and none is too many. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * Refuses an option that nobody reads: a misspelt `authorize` would leave a server open. What is handed on to `net`, `tls`
 * or `zlib` is theirs to judge and is not looked at.
 *
 * @param where - what has the options, for the message: `'WebSocketServer'`, `'option heartbeat'`
 * @param options - what the application gave
 * @param names - what it may give
 * @throws UsageError when it is no object, or has another member; names the one that is nearest
 */
export function checkOptionNames(where: string, options: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const kind = options === null ? 'null' : Array.isArray(options) ? 'a list' : `of type ${typeof options}`
    throw new UsageError(`${where}: the options are ${kind}; give an object`)
  }
  const [unknown] = unknownOptions(options, names)
  if (unknown !== undefined) throw new UsageError(describeUnknown(where, unknown, names))
}

/** Checks an option that is an `AbortSignal`, of whatever realm. @throws UsageError */
export function checkSignal(where: string, signal: unknown): void {
  if (signal === undefined) return
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<AbortSignal>
  const canListen = typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  if (typeof aborted === 'boolean' && canListen) return
  throw new UsageError(`${where}: the option signal is no AbortSignal`)
}

/** The members of `options` that are none of `names`. */
export function unknownOptions(options: object, names: Readonly<Record<string, true>>): readonly string[] {
  return Object.keys(options).filter((name) => !Object.hasOwn(names, name))
}

/** Says that there is no such option, and which one may have been meant. */
export function describeUnknown(where: string, unknown: string, names: Readonly<Record<string, true>>): string {
  const nearest = nearestName(unknown, Object.keys(names))
  return `${where}: there is no option ${quote(unknown)}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}

/** The one of `names` that is most like `name`; undefined when none is alike. Upper and lower case are the same. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  // A third of the letters may differ.
  let least = Math.floor(wanted.length / 3) + 1
  let nearest: string | undefined
  for (const candidate of names) {
    const distance = editDistance(wanted, candidate.toLowerCase(), least)
    if (distance >= least) continue
    least = distance
    nearest = candidate
  }
  return nearest
}

/**
 * How many letters are to be put in, left out, replaced or swapped with their neighbour to make one word of the other.
 *
 * @param enough - words whose lengths alone differ by so much are not compared
 */
function editDistance(a: string, b: string, enough: number): number {
  if (Math.abs(a.length - b.length) >= enough) return enough
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1)
      row.push(least)
    }
    before = above
    above = row
  }
  return above[b.length]!
}
