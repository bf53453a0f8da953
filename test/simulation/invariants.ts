/** What has to hold in every run. The name stands in the message of a run in which it does not. */
export const Invariant = {
  /** What arrives is what was sent, in that order, and nothing else. */
  Order: 'messages arrive once, unchanged and in order',
  /** When the sender's close was answered, everything before it has arrived. */
  Loss: 'no message is lost before the close',
  Controls: 'pings arrive and are answered, in order',
  Callbacks: 'each send is called back exactly once, and truly',
  Silence: 'nothing is delivered while paused or after the end',
  Drain: 'send says whether there is room, and drain follows',
  End: 'every connection ends, once',
  Codes: 'both ends agree on the close codes',
  Pairs: 'both ends tell of ends that fit each other',
  Cause: 'a cause is named only when it was the cause',
  Crash: 'a handler that crashes ends its own connection',
  Health: 'a healthy connection ends cleanly',
  Limits: 'limits hold',
  Retained: 'nothing is retained after the end',
  Kept: 'what an application keeps stays as it was',
  Listeners: 'who listens hears everything, and who has been removed nothing',
  Wire: 'the frames on the wire are legal',
} as const
export type Invariant = (typeof Invariant)[keyof typeof Invariant]

/** An invariant that does not hold. */
export class InvariantBroken extends Error {
  readonly invariant: Invariant

  constructor(invariant: Invariant, message: string) {
    super(`broken: ${invariant}: ${message}`)
    this.invariant = invariant
  }
}

/** @throws InvariantBroken unless `holds` */
export function must(holds: boolean, invariant: Invariant, message: () => string): asserts holds {
  if (!holds) throw new InvariantBroken(invariant, message())
}
