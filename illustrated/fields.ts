/* What the heads of the session say. */
import { type AnnotateContext, annotate, requestOf, type Unit } from '../src/inspector/index.ts'
import type { Part } from './parts.ts'

/** The value of a field; empty: it is not there. */
function fieldOf(unit: Unit | undefined, name: string): string {
  if (unit?.kind !== 'head') throw new Error(`a head is wanted, to look for ${name}`)
  return unit.fields.find((field) => field.name.toLowerCase() === name)?.value ?? ''
}

/** The extensions that a response agrees on. */
export function extensionsOf({ unit }: Part): string {
  return fieldOf(unit, 'sec-websocket-extensions')
}

/** The origin that a request comes from. */
export function originOf(request: Uint8Array): string {
  return fieldOf(annotate(request, { direction: 'c2s', start: 'head' }).units[0], 'origin')
}

/** What a response to this request is held against. */
export function keyOf(request: Uint8Array): NonNullable<AnnotateContext['request']> {
  return requestOf(annotate(request, { direction: 'c2s', start: 'head' }))!
}

/** Where in a response the accept value begins. */
export function acceptField({ unit }: Part): { readonly valueAt: number } {
  const span = unit.spans.find(
    ({ textKey, value }) => textKey === 'head.value' && String(value).toLowerCase() === 'sec-websocket-accept',
  )
  return { valueAt: span!.at }
}
