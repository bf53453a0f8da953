import { ROW } from '../parts/rows.ts'
import type { Cursor, Walk } from './cursor.ts'
import { isWide, WIDE_ROW } from './cursor.ts'

/** What the keys act on. */
interface KeyTarget {
  walk(): Walk | null
  go(cursor: Cursor): void
  pin(): void
  showBits(): void
  copyLink(): Promise<void>
  help(): void
}

/** The keys of the page: bytes, fields, frames, verdicts. Arrows work where bytes are, letters wherever nobody writes. */
export function onKey(event: KeyboardEvent, app: KeyTarget): void {
  const target = event.target as Element
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest('textarea, input, dialog') !== null) return
  const walk = app.walk()
  if (walk === null) return
  const isInGrid = target.closest('[role=grid], .map') !== null || target === document.body
  const action = letters(event.key, walk, app) ?? (isInGrid ? moves(event, walk, app) : null)
  if (action === null) return
  event.preventDefault()
  action()
}

function letters(key: string, walk: Walk, app: KeyTarget): (() => void) | null {
  switch (key) {
    case '[':
      return () => app.go(walk.unit(-1))
    case ']':
      return () => app.go(walk.unit(1))
    case 'v':
      return () => app.go(walk.finding())
    case 'b':
      return () => app.showBits()
    case 'c':
      return () => void app.copyLink()
    case '?':
      return () => app.help()
    default:
      return null
  }
}

function moves(event: KeyboardEvent, walk: Walk, app: KeyTarget): (() => void) | null {
  const target = event.target as Element
  const width = isWide() ? WIDE_ROW : ROW
  const isField = event.shiftKey
  switch (event.key) {
    case 'ArrowRight':
      return () => app.go(isField ? walk.field(1) : walk.byte(1))
    case 'ArrowLeft':
      return () => app.go(isField ? walk.field(-1) : walk.byte(-1))
    case 'ArrowDown':
      return () => app.go(isField ? walk.field(1) : walk.row(1, width))
    case 'ArrowUp':
      return () => app.go(isField ? walk.field(-1) : walk.row(-1, width))
    case 'Enter':
      // A button that is focused is pressed instead.
      return target.closest('button, a') === null ? () => app.pin() : null
    default:
      return null
  }
}
