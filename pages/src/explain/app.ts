import { html, render, type TemplateResult } from 'lit-html'
import type { Direction, Unit } from '../../../src/inspector/annotate/index.ts'
import { LongList } from '../parts/long-list.ts'
import { panel } from '../parts/panel.ts'
import { ROW } from '../parts/rows.ts'
import { viewOf } from '../parts/unit-view.ts'
import { type Cursor, cursorAt, firstLook, isWide, Walk, WIDE_ROW } from './cursor.ts'
import { firstExample } from './examples.ts'
import { header } from './header.ts'
import { onKey } from './keys.ts'
import { readLink, writeLink } from './link.ts'
import { map } from './map.ts'
import {
  explain,
  type Model,
  type Options,
  readFile,
  readPasted,
  reasonOf,
  type Side,
  type Source,
  sideWith,
} from './model.ts'
import { paste } from './paste.ts'
import { onClick, onPoint } from './pointer.ts'
import { item, type Looking } from './stream.ts'
import { summary } from './summary.ts'

/** Each drawing brings more of what is in sight; it settles at once, unless estimates are far off. */
const MOST_DRAWINGS = 4
/** Rows that "more" adds. */
const MORE_ROWS = 32
/** Longer text is kept out of the field: browsers take seconds to lay it out. */
export const LONGEST_TEXT = 64 << 10

/** The explain page: what is shown, and what happens when somebody touches it. */
export class App {
  readonly #root: HTMLElement
  readonly #list = new LongList<Unit>(estimates())
  #options: Options = {}
  #model: Model | null = null
  #error: string | null = null
  #cursor: Cursor = { side: 0, unit: 0, byte: 0 }
  #pinned: Cursor | null = null
  #hot: Looking['hot'] = null
  #more = new Map<number, number>()
  #text = ''
  #isFolded = false
  #isPrinted = false
  /** What a button says for a moment after it was pressed. */
  #copied = ''
  #wantsFocus = false
  #isUpdating = false

  constructor(root: HTMLElement) {
    this.#root = root
    root.addEventListener('click', (event) => onClick(event, this))
    root.addEventListener('pointerover', (event) => onPoint(event, this))
    // Scrolling does not bubble: the box and the window are both heard here.
    document.addEventListener('scroll', () => this.update(), { capture: true, passive: true })
    document.addEventListener('keydown', (event) => onKey(event, this))
    document.addEventListener('dragover', (event) => event.preventDefault())
    document.addEventListener('drop', (event) => {
      event.preventDefault()
      const file = event.dataTransfer?.files[0]
      if (file !== undefined) void this.openFile(file)
    })
    addEventListener('hashchange', () => this.open(location.hash))
    addEventListener('resize', () => this.update())
    addEventListener('beforeprint', () => this.#print(true))
    addEventListener('afterprint', () => this.#print(false))
  }

  get model(): Model | null {
    return this.#model
  }

  get cursor(): Cursor {
    return this.#cursor
  }

  /** Shows what a link says, or an example when it says nothing. */
  open(fragment: string): void {
    try {
      const { source, options, at } = readLink(fragment === '' || fragment === '#' ? firstExample : fragment)
      this.#options = options
      if (source === null) throw new TypeError('a link without bytes')
      this.#text = textOf(source)
      this.#show(source)
      if (at !== null && this.#model !== null) this.#cursor = cursorAt(this.#model, this.#cursor.side, at)
    } catch (error) {
      this.#fail(error)
    }
    this.#wantsFocus = false
    this.update()
  }

  /** Shows what was typed or pasted. What was said of other bytes does not hold for these. */
  paste(text: string): void {
    this.#text = text.length > LONGEST_TEXT ? '' : text
    this.#options = {}
    try {
      this.#show(readPasted(text))
    } catch (error) {
      this.#fail(error)
    }
    this.update()
  }

  async openFile(file: File): Promise<void> {
    const bytes = new Uint8Array(await file.arrayBuffer())
    this.#options = {}
    this.#text = ''
    try {
      const source = readFile(bytes)
      this.#show({ ...source, format: `${source.format} of ${file.name}` })
    } catch (error) {
      this.#fail(error)
    }
    this.update()
  }

  /** Says which way the bytes go; with both directions at hand, shows that one. */
  turn(direction: Direction): void {
    const model = this.#model
    if (model === null) return
    if (model.sides.length > 1) {
      const side = sideWith(model, direction)
      this.go(
        {
          side,
          unit: Math.max(
            0,
            model.sides[side]!.units.findIndex(({ kind }) => kind === 'frame'),
          ),
          byte: 0,
        },
        false,
      )
      return
    }
    this.#options = { ...this.#options, direction }
    this.#again(model.source)
  }

  /** Says whether compression was agreed on. */
  compress(isAgreed: boolean): void {
    if (this.#model === null) return
    this.#options = { ...this.#options, extensions: isAgreed ? 'permessage-deflate' : '' }
    this.#again(this.#model.source)
  }

  /** Moves to a byte. @param isFocused - whether the keyboard goes there too */
  go(cursor: Cursor, isFocused = true): void {
    this.#cursor = cursor
    this.#hot = null
    this.#wantsFocus = isFocused
    this.update()
    if (isFocused) this.#reveal('nearest')
  }

  /** The byte that the panel is about. */
  get shown(): Cursor {
    return this.#pinned?.side === this.#cursor.side ? this.#pinned : this.#cursor
  }

  /** Marks bytes that are pointed at. */
  mark(hot: Looking['hot']): void {
    const now = this.#hot
    if (now?.unit === hot?.unit && now?.range[0] === hot?.range[0] && now?.range[1] === hot?.range[1]) return
    this.#hot = hot
    this.update()
  }

  /** Puts more rows of a long unit in the page. */
  showMore(unit: number): void {
    this.#more.set(unit, (this.#more.get(unit) ?? 0) + MORE_ROWS)
    this.update()
  }

  /** Shows the details, or hides them where they cover the stream. */
  fold(): void {
    this.#isFolded = !this.#isFolded
    this.update()
  }

  /** From where the keys go on. */
  walk(): Walk | null {
    if (this.#model === null) return null
    return new Walk(this.#model, this.#cursor, this.#more.get(this.#cursor.unit) ?? 0)
  }

  /** Keeps the panel at the byte while the keys go on; or lets it go. */
  pin(): void {
    this.#pinned = this.#pinned === null ? this.#cursor : null
    this.update()
  }

  showBits(): void {
    this.#isFolded = false
    this.update()
    const section = this.#root.querySelector<HTMLElement>('.bitsec')
    section?.focus()
    section?.scrollIntoView({ block: 'nearest' })
  }

  async copyLink(): Promise<void> {
    const model = this.#model
    if (model === null) return
    const { annotation, units } = model.sides[this.#cursor.side]!
    const at = (units[this.#cursor.unit]?.at ?? 0) + this.#cursor.byte
    const direction = annotation.isDirectionGuessed ? annotation.direction : this.#options.direction
    const link = writeLink(model.source, { ...this.#options, direction }, at)
    if (link === null) this.#copied = 'Too long for a link'
    else {
      history.replaceState(null, '', link)
      // Without leave for the clipboard the link is in the address bar.
      this.#copied = await navigator.clipboard.writeText(location.href).then(
        () => 'Link copied',
        () => 'In the address bar',
      )
    }
    this.update()
    setTimeout(() => {
      this.#copied = ''
      this.update()
    }, 2000)
  }

  help(): void {
    document.querySelector<HTMLDialogElement>('#help')?.showModal()
  }

  /** Draws the page again, once for all that has changed. */
  update(): void {
    if (this.#isUpdating) return
    this.#isUpdating = true
    queueMicrotask(() => {
      this.#isUpdating = false
      this.#draw()
    })
  }

  #again(source: Source): void {
    try {
      this.#show(source)
    } catch (error) {
      this.#fail(error)
    }
    this.update()
  }

  #show(source: Source): void {
    this.#model = explain(source, this.#options)
    this.#error = null
    this.#pinned = null
    this.#more = new Map()
    this.#cursor = firstLook(this.#model)
    this.#wantsFocus = false
    this.#reveal('center')
  }

  /** Heights that turn out different from what was expected can bring other items in sight. */
  #draw(): void {
    // Elements are used again for other bytes, or go, when the stream scrolls: the keyboard stays with the byte.
    const isInGrid = this.#grid?.contains(document.activeElement) === true
    for (let times = 0; times < MOST_DRAWINGS; times++) {
      render(this.#page(), this.#root)
      if (this.#grid === null || !this.#list.measure(this.#grid)) break
    }
    this.#focus(isInGrid)
  }

  get #grid(): HTMLElement | null {
    return this.#root.querySelector('#grid')
  }

  /** Brings the selected byte in sight. */
  #reveal(block: ScrollLogicalPosition): void {
    requestAnimationFrame(() => {
      const stream = this.#grid?.closest('.stream')
      if (this.#grid === null || stream === null || stream === undefined) return
      const cell = () => stream.querySelector('.b.sel')
      if (cell() === null) {
        this.#list.show(this.#grid, this.#cursor.unit)
        this.#draw()
      }
      const found = cell()
      if (
        found !== null &&
        !isWithin(found, stream) &&
        (this.#wantsFocus || stream.scrollHeight > stream.clientHeight)
      ) {
        found.scrollIntoView({ block })
      }
      this.#focus()
    })
  }

  #fail(error: unknown): void {
    this.#error = reasonOf(error)
    this.#model = null
  }

  #print(isPrinted: boolean): void {
    this.#isPrinted = isPrinted
    render(this.#page(), this.#root)
  }

  #page(): TemplateResult {
    const model = this.#model
    const side = model?.sides[this.#cursor.side]
    const input = { text: this.#text, options: this.#options, model, side }
    return html`${header(this.#copied, this.#pinned !== null, this)}<main class="wrap"><section class="sum" aria-label="Verdict">${
      model === null
        ? html`<h1><span class="sign" aria-hidden="true">✕</span>These are no bytes</h1><p id="live" aria-live="polite">${this.#error}</p>`
        : summary(model, this.#cursor)
    }</section>${paste(input, this)}${model === null || side === undefined || side.units.length === 0 ? '' : this.#columns(side)}</main>`
  }

  #columns(side: Side): TemplateResult {
    const { unit, byte } = this.#cursor
    const { shown } = this
    const pinned = shown === this.#cursor ? null : shown
    const looking: Looking = { unit, byte, pinned, hot: this.#hot, more: this.#more }
    const view = viewOf(side.units[shown.unit]!)
    const hot = this.#hot?.unit === shown.unit ? this.#hot.range : null
    return html`${map(side, unit)}<div class="cols"><div class="stream scrolls card"><div class="g0" role="grid" aria-label="Bytes of the stream" id="grid"
      tabindex="-1">${this.#list.render(side.units, (one) => item(side, one, looking), this.#grid, this.#isPrinted)}</div></div><aside class="panel card${
        this.#isFolded ? ' folded' : ''
      }" id="panel" tabindex="0" aria-label="The selected byte"><button type="button" class="fold" aria-expanded=${
        this.#isFolded ? 'false' : 'true'
      }>${this.#isFolded ? 'Show details' : 'Hide details'}</button>${panel(
        view,
        shown.byte,
        { role: side.annotation.role, messages: side.messageOf },
        hot,
      )}</aside></div>`
  }

  /** The keyboard follows the selected byte; a grid whose byte is out of sight can be reached by itself. */
  #focus(isInGrid = false): void {
    const grid = this.#grid
    if (grid === null) return
    const cell = grid.querySelector<HTMLElement>('.b.sel')
    grid.tabIndex = cell === null ? 0 : -1
    if (cell === null) {
      if (isInGrid) grid.focus({ preventScroll: true })
    } else if (this.#wantsFocus || isInGrid) {
      this.#wantsFocus = false
      cell.focus({ preventScroll: true })
    }
  }
}

/** About how high units are: a line, and rows of bytes. */
function estimates(): (unit: Unit) => number {
  const width = isWide() ? WIDE_ROW : ROW
  return ({ kind, at, end }) => (kind === 'frame' ? 35 + 50 * Math.min(24, Math.ceil((end - at) / width)) : 31)
}

/** Whether an element can be seen in a box that scrolls, and in the window. */
function isWithin(element: Element, box: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const outer = box.getBoundingClientRect()
  return top >= Math.max(0, outer.top) && bottom <= Math.min(innerHeight, outer.bottom)
}

/** What stands in the field for bytes that came with a link. */
function textOf(source: Source): string {
  if (!('bytes' in source) || source.bytes.length > LONGEST_TEXT / 4) return ''
  return Array.from(source.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
