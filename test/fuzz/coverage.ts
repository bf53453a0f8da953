import { type Profiler, Session } from 'node:inspector/promises'

const SOURCES = new URL('../../src/', import.meta.url).href

/** Which characters of the sources under `src/` have run so far, as V8 counts it. */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Map<string, Uint8Array>()
  #count = 0

  static async start(): Promise<Coverage> {
    const coverage = new Coverage()
    coverage.#session.connect()
    await coverage.#session.post('Profiler.enable')
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return coverage
  }

  /** Characters seen running. */
  get count(): number {
    return this.#count
  }

  /** What has run so far, for {@link restore}. */
  snapshot(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#seen].map(([url, seen]) => [url, seen.slice()]))
  }

  /** Forgets what ran after a snapshot. */
  restore(snapshot: ReadonlyMap<string, Uint8Array>): void {
    this.#seen.clear()
    this.#count = 0
    for (const [url, seen] of snapshot) {
      this.#seen.set(url, seen.slice())
      for (const bit of seen) this.#count += bit
    }
  }

  /** Adds what ran since the last call. @returns how many characters ran for the first time */
  async take(): Promise<number> {
    const before = this.#count
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    for (const { url, functions } of result) if (url.startsWith(SOURCES)) this.#add(url, functions)
    return this.#count - before
  }

  #add(url: string, functions: readonly Profiler.FunctionCoverage[]): void {
    const last = Math.max(...functions.map(({ ranges }) => ranges[0]!.endOffset))
    const ran = new Uint8Array(last)
    // Ranges stand outer before inner, so that the inner one has the last word.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
    }
    let seen = this.#seen.get(url) ?? new Uint8Array(0)
    if (seen.length < last) {
      const longer = new Uint8Array(last)
      longer.set(seen)
      seen = longer
    }
    for (let i = 0; i < last; i++) {
      if (ran[i] === 1 && seen[i] === 0) {
        seen[i] = 1
        this.#count++
      }
    }
    this.#seen.set(url, seen)
  }
}
