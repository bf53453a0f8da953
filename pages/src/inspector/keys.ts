import { widthOfRow } from './row-width.ts'

/** What the keys act on. */
interface KeyTarget {
  step(step: 1 | -1 | 'verdict'): void
  byte(step: number, isField: boolean): void
  pause(): void
  showBits(): void
  help(): void
}

/** The keys of the inspector: up and down through the lines, arrows through bytes, letters wherever nobody writes. */
export function onKey(event: KeyboardEvent, app: KeyTarget): void {
  const target = event.target as Element
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest('textarea, input, dialog') !== null) return
  const action = letters(event.key, target, app) ?? arrows(event, target, app)
  if (action === null) return
  event.preventDefault()
  action()
}

function letters(key: string, target: Element, app: KeyTarget): (() => void) | null {
  switch (key) {
    case '[':
      return () => app.step(-1)
    case ']':
      return () => app.step(1)
    case 'v':
      return () => app.step('verdict')
    case 'b':
      return () => app.showBits()
    case '?':
      return () => app.help()
    case ' ':
      // A button that is focused is pressed instead.
      return target.closest('button, a, summary') === null ? () => app.pause() : null
    default:
      return null
  }
}

function arrows({ key, shiftKey }: KeyboardEvent, target: Element, app: KeyTarget): (() => void) | null {
  const isInBytes = target.closest('.wire') !== null
  const width = widthOfRow()
  switch (key) {
    case 'ArrowDown':
      return isInBytes ? () => app.byte(width, false) : isInLanes(target) ? () => app.step(1) : null
    case 'ArrowUp':
      return isInBytes ? () => app.byte(-width, false) : isInLanes(target) ? () => app.step(-1) : null
    case 'ArrowRight':
      return isInBytes ? () => app.byte(1, shiftKey) : null
    case 'ArrowLeft':
      return isInBytes ? () => app.byte(-1, shiftKey) : null
    default:
      return null
  }
}

function isInLanes(target: Element): boolean {
  return target.closest('.lanes') !== null || target === document.body
}
