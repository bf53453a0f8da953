/*
 * The kernel in WebAssembly that masks and looks for ASCII, and its memory. Where there is no WebAssembly, or no room for
 * its memory, there is no kernel and nobody misses it.
 */
import { maskKernel } from './mask-kernel.ts'

/** The first half of the memory is for those who read into it, the second for bytes that lie elsewhere. */
const HALF = 64 << 10

/** What the kernel does to bytes that lie in its memory. @internal */
export interface MaskMemory {
  /** The first half of the memory, into which others read; always the same view. */
  readonly bytes: Uint8Array
  /** A piece of it through which other bytes can be taken. */
  readonly window: Uint8Array
  /**
   * Masks the memory `[at, end)`; `bytes` begins at 0.
   *
   * @param key - the octet of the masking-key for `at` in the lowest 8 bits, and so on
   */
  mask(at: number, end: number, key: number): void
  /** 1 when the memory `[at, end)` is ASCII, else 0. */
  isAscii(at: number, end: number): number
}

/** The little of WebAssembly that is used; its types come with browsers only. */
interface WebAssemblyLike {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly mask: MaskMemory['mask']
  readonly isAscii: MaskMemory['isAscii']
}

let made: MaskMemory | null | undefined

/** The kernel, made at the first call; null where it cannot be. @internal */
export function maskMemory(): MaskMemory | null {
  if (made === undefined) made = makeMaskMemory((globalThis as { WebAssembly?: WebAssemblyLike }).WebAssembly)
  return made
}

/** @param webAssembly - the engine's, or undefined when it has none. @internal */
export function makeMaskMemory(webAssembly: WebAssemblyLike | undefined): MaskMemory | null {
  if (webAssembly === undefined) return null
  try {
    const bytes = Uint8Array.from(atob(maskKernel), (character) => character.charCodeAt(0))
    const { memory, mask, isAscii } = new webAssembly.Instance(new webAssembly.Module(bytes)).exports as Exports
    const { buffer } = memory
    return { bytes: new Uint8Array(buffer, 0, HALF), window: new Uint8Array(buffer, HALF), mask, isAscii }
  } catch {
    // Without SIMD, forbidden by a policy, or no address space for the memory.
    return null
  }
}

let plainBytes: Uint8Array | null = null

/**
 * Memory to read frames into, in which unmasking is fastest; ordinary memory where there is no kernel. There is only
 * one such piece: everybody who asks gets the same view of the same 64 KiB.
 * @internal
 */
export function sharedReadBuffer(): Uint8Array {
  const kernel = maskMemory()
  if (kernel !== null) return kernel.bytes
  plainBytes ??= new Uint8Array(HALF)
  return plainBytes
}
