/* A script of its own: only long streams need it. */
import { type RenderItemFunction, virtualize, virtualizerRef } from '@lit-labs/virtualizer/virtualize.js'

/** What the script leaves for the pages. */
export interface VirtualizerGlobal {
  virtualize<T>(config: {
    items: T[]
    renderItem: RenderItemFunction<T>
    keyFunction: (item: T, index: number) => unknown
  }): unknown
  /** Something that can be scrolled to, whether or not the item is in the page. */
  proxyAt(host: Element, index: number): { scrollIntoView(options: ScrollIntoViewOptions): void } | undefined
}

declare global {
  interface Window {
    framewrightVirtualizer?: VirtualizerGlobal
  }
}

interface VirtualizerHost extends Element {
  [virtualizerRef]?: { element(index: number): { scrollIntoView(options: ScrollIntoViewOptions): void } | undefined }
}

window.framewrightVirtualizer = {
  virtualize,
  proxyAt: (host: VirtualizerHost, index) => host[virtualizerRef]?.element(index),
}
