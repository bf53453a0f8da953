import type { Clock } from './clock.ts'
import { setImmediate } from './scheduling.ts'

/**
 * A moment at which something is judged: whether a peer has answered, whether a write has moved. Everything in this
 * package that waits for time waits by one of these.
 *
 * A process that was stopped (a signal, a debugger, the lid of a laptop), or whose event loop was blocked, finds its
 * timers due before it has read a byte of what came meanwhile. So whoever comes late first lets the event loop turn: what
 * lies in the kernel is read and answered, and what waits is written. Only then is it judged, unless it was cancelled on
 * the way.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #ms: number
  readonly #expire: (lateMs: number) => void
  #isOnTheWay: (() => boolean) | undefined
  #due = 0
  #timer: unknown
  #isOver = false

  /**
   * @param ms - milliseconds from now; never, when that is more than 24 days
   * @param expire - called once, unless `cancel` was; `lateMs`: how many milliseconds after its time the timer came
   * @param isOnTheWay - whether a peer that is not done has begun: then what it lost because we came late, at most `ms`,
   * is given back to it, once, since what is still to come from it takes a round trip. Default: none has
   */
  constructor(clock: Clock, ms: number, expire: (lateMs: number) => void, isOnTheWay?: () => boolean) {
    this.#clock = clock
    this.#ms = ms
    this.#expire = expire
    this.#isOnTheWay = isOnTheWay
    this.#wait(ms)
  }

  /** What was waited for is there, or nobody waits any more. */
  cancel(): void {
    this.#isOver = true
    this.#clock.clearTimeout(this.#timer)
  }

  #wait(ms: number): void {
    this.#due = this.#clock.now() + ms
    this.#timer = this.#clock.setTimeout(() => this.#fire(), ms)
  }

  #fire(): void {
    const lateMs = this.#clock.now() - this.#due
    // A timer comes before the reads of its own turn; the second one has seen a turn from its beginning to its end.
    if (lateMs > 0) setImmediate(() => setImmediate(() => this.#judge(lateMs)))
    else this.#judge(0)
  }

  #judge(lateMs: number): void {
    if (this.#isOver) return
    const isOnTheWay = lateMs > 0 && this.#isOnTheWay?.() === true
    this.#isOnTheWay = undefined
    if (isOnTheWay) {
      this.#wait(Math.min(lateMs, this.#ms))
      return
    }
    this.#isOver = true
    this.#expire(lateMs)
  }
}
