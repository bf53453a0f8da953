import { html, type TemplateResult } from 'lit-html'
import type { Annotation, Message } from '../../../src/inspector/annotate/index.ts'
import { bench } from './bench.ts'
import { bitSection } from './bits.ts'
import { card } from './card.ts'
import { headLines, noiseLines } from './head-panel.ts'
import { tree } from './tree.ts'
import type { UnitView } from './unit-view.ts'

/** Verdict, bits, payload and fields of a unit around one of its bytes. */
export function panel(
  view: UnitView,
  i: number,
  { role, messages }: Pick<Annotation, 'role'> & { readonly messages: (index: number) => Message | undefined },
  hot: readonly [number, number] | null,
): TemplateResult {
  const { unit } = view
  const message = unit.kind === 'frame' && unit.message !== null ? messages(unit.message) : undefined
  return html`${card(view, role, message)}${view.wire.length > i ? html`<section class="bitsec" tabindex="-1">${bitSection(view, i)}</section>` : ''}${
    unit.kind === 'head'
      ? headLines(unit, i)
      : unit.kind === 'noise'
        ? noiseLines(view)
        : html`${bench(view, i, message)}${tree(view, i, hot)}`
  }`
}
