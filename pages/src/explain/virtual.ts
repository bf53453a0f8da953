import { html, type TemplateResult } from 'lit-html'
import type { VirtualizerGlobal } from '../virtualizer.ts'

declare global {
  interface Window {
    framewrightVirtualizer?: VirtualizerGlobal
  }
}

/** Up to so many units all of them are in the page. */
const ALL = 120

/** The list of a stream: only what is in sight is in the page. The virtualizer is fetched when the first long list comes. */
export class LongList<T> {
  readonly #loaded: () => void
  #isAsked = false
  #host: Element | null = null

  /** @param loaded - called when there is more to show than before */
  constructor(loaded: () => void) {
    this.#loaded = loaded
  }

  /** @param isWhole - whether everything is wanted, as on paper */
  render(items: readonly T[], renderItem: (item: T) => TemplateResult, isWhole: boolean): unknown {
    const virtualizer = window.framewrightVirtualizer
    if (items.length <= ALL || isWhole) return items.slice(0, 10 * ALL).map(renderItem)
    if (virtualizer === undefined) {
      this.#fetch()
      return items.slice(0, ALL / 4).map(renderItem)
    }
    return html`<div class="many" role="presentation">${virtualizer.virtualize({ items: items as T[], renderItem, keyFunction: (_, index) => index })}</div>`
  }

  /** Brings an item in sight, wherever it is. */
  show(grid: Element, index: number): void {
    this.#host = grid.querySelector('.many')
    if (this.#host === null) return
    window.framewrightVirtualizer?.proxyAt(this.#host, index)?.scrollIntoView({ block: 'nearest' })
  }

  #fetch(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    const script = document.createElement('script')
    script.src = 'virtualizer.js'
    script.addEventListener('load', this.#loaded)
    document.head.append(script)
  }
}
