import { REQUIREMENTS } from './requirements.ts'
import type { Level } from './types.ts'

/** A row of `docs/rfc/requirements.tsv`. */
export interface Requirement {
  readonly id: string
  readonly level: Level
  /** The rule in our words. */
  readonly text: string
}

const rows = new Map<string, Requirement>(REQUIREMENTS.map(([id, level, text]) => [id, { id, level, text }]))

/** The requirement with this id; undefined when it is not one that an annotation can name. */
export function requirementOf(id: string): Requirement | undefined {
  return rows.get(id)
}
