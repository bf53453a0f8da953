import { fieldAt, viewOf } from '../parts/unit-view.ts'
import type { Cursor } from './cursor.ts'
import type { Model } from './model.ts'
import type { Looking } from './stream.ts'

/** What the pointer acts on. */
interface PointerTarget {
  readonly model: Model | null
  readonly cursor: Cursor
  readonly shown: Cursor
  go(cursor: Cursor, isFocused?: boolean): void
  mark(hot: Looking['hot']): void
  showMore(unit: number): void
  fold(): void
}

/** A click on a verdict, on the map, on a byte or a frame, or on a field of the panel: all of them go to a byte. */
export function onClick(event: Event, app: PointerTarget): void {
  const target = event.target as Element
  const { model, cursor } = app
  const hit = (selector: string) => target.closest<HTMLElement>(selector)
  if (model === null || hit('a, .bar, .paste') !== null) return
  const number = (element: HTMLElement | null, name: string) => Number(element?.dataset[name] ?? 0)
  const finding = hit('[data-v]')
  const piece = hit('.map [data-f]')
  const group = hit('[role=rowgroup][data-f]')
  const part = hit('.panel tr[data-a]') ?? hit('.panel [data-i]')
  if (finding !== null) app.go(model.findings[number(finding, 'v')]!)
  else if (piece !== null) app.go({ ...cursor, unit: number(piece, 'f'), byte: 0 })
  else if (hit('.fold') !== null) app.fold()
  else if (group !== null && hit('.more') !== null) app.showMore(number(group, 'f'))
  else if (group !== null) app.go({ ...cursor, unit: number(group, 'f'), byte: number(hit('[data-i]'), 'i') })
  else if (part !== null) app.go({ ...app.shown, byte: Number(part.dataset['a'] ?? part.dataset['i']) }, false)
}

/** Pointing at a byte marks its field in the panel, and the other way round. */
export function onPoint(event: Event, app: PointerTarget): void {
  const target = event.target as Element
  const { model, shown } = app
  if (model === null) return
  const row = target.closest<HTMLElement>('.panel tr[data-a]')
  const cell = target.closest<HTMLElement>('[role=rowgroup] [data-i], .panel [data-i]')
  if (row !== null) {
    app.mark({ unit: shown.unit, range: [Number(row.dataset['a']), Number(row.dataset['b'])] })
    return
  }
  const index = Number(cell?.closest<HTMLElement>('[data-f]')?.dataset['f'] ?? shown.unit)
  const unit = model.sides[app.cursor.side]?.units[index]
  const field = cell === null || unit === undefined ? undefined : fieldAt(viewOf(unit), Number(cell.dataset['i']))
  app.mark(field === undefined ? null : { unit: index, range: [field.start, field.end] })
}
