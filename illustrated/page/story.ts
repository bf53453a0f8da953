/* What the page is made of: the session, taken apart, and what came of the wrong bits. */
import type { Session } from '../../src/inspector/index.ts'
import type { Part } from '../parts.ts'
import type { Variant } from '../variants.ts'

export interface Story {
  readonly session: Session
  readonly parts: readonly Part[]
  readonly variants: readonly Variant[]
  /** By id, from docs/rfc/requirements.tsv: the level, and the rule in our words. */
  readonly rules: ReadonlyMap<string, { readonly level: string; readonly text: string }>
}
