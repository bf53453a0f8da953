import { LEVELS, TEXTS } from './requirements.ts'
import type { Level } from './types.ts'

/** A row of `docs/rfc/requirements.tsv`. */
export interface Requirement {
  readonly id: string
  readonly level: Level
  /** The rule in our words. */
  readonly text: string
}

/** How strongly a requirement binds; null when it is not in the table. */
export function levelOf(id: string): Level | null {
  return LEVELS[id] ?? null
}

/** The requirement with this id; undefined when it is not one that an annotation can name. */
export function requirementOf(id: string): Requirement | undefined {
  const level = levelOf(id)
  return level === null ? undefined : { id, level, text: TEXTS[id]! }
}
