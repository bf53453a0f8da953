import { UsageError } from '../errors.ts'
import { describe, hookAtOnce } from '../ground/application.ts'

/**
 * What is done with a message that would take a connection above `maxBackpressure`, and with one that has been above
 * `softBackpressure` for `softBackpressureMs`.
 */
export const SlowConsumerAction = {
  /** The connection is closed with 1013; what waits is freed. */
  Close: 'close',
  /** The message is not sent. */
  DropNewest: 'drop-newest',
  /** The oldest messages that wait are not sent, as many as it takes. What is on its way already cannot be taken back. */
  DropOldest: 'drop-oldest',
  /** The message is sent all the same. */
  Keep: 'keep',
} as const
export type SlowConsumerAction = (typeof SlowConsumerAction)[keyof typeof SlowConsumerAction]

/** What waits for a slow peer, as a function in `slowConsumer` sees it. */
export interface Backpressure {
  /** Bytes that wait, as in `ws.bufferedAmount`. */
  readonly bufferedAmount: number
  /** Bytes of the message's frame; 0 when there is none, and more than `softBackpressure` has waited for too long. */
  readonly messageBytes: number
  /** Messages dropped on this connection so far. */
  readonly dropped: number
}

/** What to do with slow consumers: one action, or a function that chooses for each message. */
export type SlowConsumerPolicy = SlowConsumerAction | ((backpressure: Backpressure) => SlowConsumerAction)

const actions: ReadonlySet<unknown> = new Set(Object.values(SlowConsumerAction))

/** Checks the option. @throws UsageError */
export function slowConsumerOption(value: SlowConsumerPolicy | undefined): SlowConsumerPolicy {
  if (value === undefined) return SlowConsumerAction.Close
  if (typeof value === 'function' || actions.has(value)) return value
  throw new UsageError(`option slowConsumer is ${describe(value)}; it must be ${[...actions].join(', ')} or a function`)
}

/** The action for one message. @throws UsageError when a function chose none; whatever the function throws */
export function actionFor(policy: SlowConsumerPolicy, backpressure: Backpressure): SlowConsumerAction {
  if (typeof policy !== 'function') return policy
  const action = hookAtOnce('the option slowConsumer', policy, backpressure)
  return slowConsumerOption(action) as SlowConsumerAction
}
