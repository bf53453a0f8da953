import type { Lab } from './lab.ts'

/** What a check found. */
export type Finding =
  | { readonly verdict: 'met' }
  | { readonly verdict: 'not met'; readonly seen: string }
  | { readonly verdict: 'untested'; readonly why: string }

/** Findings about some of a check's requirements, where they are not all the same. */
export type Findings = ReadonlyMap<string, Finding>

/** One thing to try. */
export interface Check {
  /** The requirements that it is about. */
  readonly ids: readonly string[]
  /** What is tried, as the subject of a sentence: `an unmasked Ping`. */
  readonly what: string
  /** `echo`: only of use when the server sends messages back. `last`: after all others. */
  readonly needs?: 'echo' | 'last'
  run(lab: Lab): Promise<Finding | Findings>
}

/** What the check found about one of its requirements. */
export function findingOn(id: string, found: Finding | Findings): Finding {
  return 'verdict' in found ? found : (found.get(id) ?? met)
}

export const met: Finding = { verdict: 'met' }

export function notMet(seen: string): Finding {
  return { verdict: 'not met', seen }
}

export function untested(why: string): Finding {
  return { verdict: 'untested', why }
}
