import type { Clock } from '../ground/clock.ts'
import type { MemoryWatch } from './memory-watch.ts'
import type { SlowConsumerPolicy } from './slow-consumer.ts'

/** Options of an `Outbox`. */
export interface OutboxOptions {
  /** Bytes that wait from which on `send` says false. */
  readonly highWaterMark: number
  /** Bytes that may wait. */
  readonly maxBackpressure: number
  /** Bytes that may not wait for longer than `softBackpressureMs` without becoming fewer. */
  readonly softBackpressure: number
  /** Milliseconds. */
  readonly softBackpressureMs: number
  readonly clock: Clock
  readonly slowConsumer: SlowConsumerPolicy
  /** Hears how much is kept; default: nobody does. */
  readonly memory?: MemoryWatch | null
}
