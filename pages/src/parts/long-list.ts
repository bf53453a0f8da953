import { html, type TemplateResult } from 'lit-html'

/** What is rendered above and below what is in sight, in pixels. */
const OVERSCAN = 400
/** On paper there is no scrolling: so many items are printed. */
const PRINTED = 1000

/**
 * A list of which only what is in sight is in the page. Items are as high as they turn out to be; until one was seen its
 * height is an estimate, and when it turns out wrong, what is in sight stays where it is.
 */
export class LongList<T> {
  readonly #estimate: (item: T) => number
  #items: readonly T[] = []
  #heights = new Float64Array(0)
  /** Where each item begins, and behind the last one where the list ends. */
  #offsets = new Float64Array(1)
  /** Offsets from here on are out of date. */
  #staleFrom = 0
  #first = 0
  #end = 0

  /** @param estimate - about how high an item is, in pixels */
  constructor(estimate: (item: T) => number) {
    this.#estimate = estimate
  }

  /**
   * The items that are in sight, between two empty boxes that stand for the others.
   *
   * @param host - where the list was rendered before; null: not yet
   * @param isWhole - whether everything is wanted, as on paper
   */
  render(
    items: readonly T[],
    renderItem: (item: T, index: number) => TemplateResult,
    host: Element | null,
    isWhole = false,
  ): TemplateResult {
    if (items !== this.#items) this.#take(items)
    const offsets = this.#upToDate()
    if (isWhole) [this.#first, this.#end] = [0, Math.min(PRINTED, items.length)]
    else this.#look(host, offsets)
    const shown = items.slice(this.#first, this.#end)
    const box = (height: number) => html`<div class="rest" role="presentation" .style=${`height:${height}px`}></div>`
    return html`${box(isWhole ? 0 : offsets[this.#first]!)}${shown.map((one, i) => renderItem(one, this.#first + i))}${box(
      isWhole ? 0 : offsets[items.length]! - offsets[this.#end]!,
    )}`
  }

  /**
   * Measures what was rendered; call it after each rendering.
   *
   * @returns whether it has to be rendered again
   */
  measure(host: Element): boolean {
    const scroller = scrollerOf(host)
    const { sight } = placeOf(host, scroller)
    let isChanged = false
    let shift = 0
    // The children between the two boxes are the items.
    for (let i = this.#first; i < this.#end; i++) {
      const element = host.children[1 + i - this.#first]
      if (element === undefined) break
      const { height } = element.getBoundingClientRect()
      const change = height - this.#heights[i]!
      if (Math.abs(change) < 0.5) continue
      if (this.#offsets[i]! + this.#heights[i]! < sight) shift += change
      this.#heights[i] = height
      this.#staleFrom = Math.min(this.#staleFrom, i)
      isChanged = true
    }
    if (shift !== 0) scroller.scrollTop += shift
    return isChanged
  }

  /** Scrolls to where the item is, or will be. */
  show(host: Element, index: number): void {
    const offsets = this.#upToDate()
    const scroller = scrollerOf(host)
    const { sight, height } = placeOf(host, scroller)
    scroller.scrollTop += offsets[index]! - sight - Math.max(0, (height - this.#heights[index]!) / 2)
  }

  #take(items: readonly T[]): void {
    this.#items = items
    this.#heights = Float64Array.from(items, this.#estimate)
    this.#offsets = new Float64Array(items.length + 1)
    this.#staleFrom = 0
  }

  #upToDate(): Float64Array {
    const offsets = this.#offsets
    for (let i = this.#staleFrom; i < this.#heights.length; i++) offsets[i + 1] = offsets[i]! + this.#heights[i]!
    this.#staleFrom = this.#heights.length
    return offsets
  }

  #look(host: Element | null, offsets: Float64Array): void {
    const { sight, height } = host === null ? { sight: 0, height: innerHeight } : placeOf(host, scrollerOf(host))
    const count = this.#items.length
    this.#first = Math.max(0, indexAt(offsets, sight - OVERSCAN, count))
    this.#end = Math.min(count, indexAt(offsets, sight + height + OVERSCAN, count) + 1)
  }
}

/** The item that has a place: the last one that begins at it or before. */
function indexAt(offsets: Float64Array, place: number, count: number): number {
  let low = 0
  let high = Math.max(0, count - 1)
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (offsets[middle]! <= place) low = middle
    else high = middle - 1
  }
  return low
}

/** The box around the list when it scrolls, or else the window. */
function scrollerOf(host: Element): Element {
  const box = host.closest('.scrolls')
  return box !== null && box.scrollHeight > box.clientHeight + 1 ? box : document.documentElement
}

/** How far into the list one sees, and how much of it at a time. */
function placeOf(host: Element, scroller: Element): { sight: number; height: number } {
  const top = scroller === document.documentElement ? 0 : scroller.getBoundingClientRect().top
  return { sight: top - host.getBoundingClientRect().top, height: scroller.clientHeight }
}
