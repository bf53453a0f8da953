/*
 * What the two ends of one connection may say of its end: the table against which every run is held.
 *
 * The codes are held by themselves: an end has seen the code that the other has sent, or 1006. This is about the causes,
 * each with or without both Close frames (clean or not, RFC 6455 §7.1.4).
 */
import { CloseCause as Cause, type CloseCause, type CloseInfo } from '../../src/socket/close-info.ts'

/** Ends that said why in a Close frame, and read on for the answer. */
const ASKED = [Cause.SlowConsumer, Cause.StreamAborted] as const
/** Ends that failed the connection, RFC 6455 §7.1.7: they read no answer, so they are never clean. */
const FAILED = [Cause.LimitExceeded, Cause.RateLimit, Cause.HandlerError] as const
/** Ends that gave the transport up, or lost it. */
const GAVE_UP = [Cause.CloseTimeout, Cause.Terminated, Cause.WriteStall, Cause.HeartbeatTimeout] as const
const LOST = [Cause.TransportError, Cause.TransportEnded] as const

interface Side {
  readonly isClean: boolean
  readonly causes: readonly CloseCause[]
}

const clean = (...causes: readonly CloseCause[]): Side => ({ isClean: true, causes })
const unclean = (...causes: readonly CloseCause[]): Side => ({ isClean: false, causes })

/** A row of the table; the sides may be the server's and the client's or the other way round. */
export interface Pair {
  readonly name: string
  readonly one: Side
  readonly other: Side
  readonly why: string
}

/** Both Close frames were exchanged, and yet the transport did not end by itself. */
const LET_GO = [...GAVE_UP, Cause.TransportError] as const

export const PAIRS: readonly Pair[] = [
  {
    name: 'begun and answered',
    one: clean(Cause.ClosedByUs, ...ASKED),
    other: clean(Cause.ClosedByPeer),
    why: 'The closing handshake of §7.1.2: one began, the other answered, and both frames arrived.',
  },
  {
    name: 'begun by both',
    one: clean(Cause.ClosedByUs, ...ASKED),
    other: clean(Cause.ClosedByUs, ...ASKED),
    why: 'Two Close frames crossed, and each is the answer to the other.',
  },
  {
    name: 'exchanged, then let go',
    one: clean(...LET_GO),
    other: clean(Cause.ClosedByUs, Cause.ClosedByPeer, ...ASKED, ...LET_GO),
    why: 'Both frames arrived; then one end waited in vain for the end of the transport, or what it had not read yet still held the frame when it broke.',
  },
  {
    name: 'failed and answered',
    one: unclean(...FAILED),
    other: clean(Cause.ClosedByPeer),
    why: 'Who fails a connection reads nothing more (§7.1.7): the answer is discarded.',
  },
  {
    name: 'failed while the other closed',
    one: unclean(...FAILED),
    other: clean(Cause.ClosedByUs, ...ASKED, ...LET_GO),
    why: 'As before, but the other had begun to close, too, or had to let go of the transport.',
  },
  {
    name: 'the answer was lost',
    one: clean(Cause.ClosedByPeer),
    other: unclean(...GAVE_UP, ...LOST, ...ASKED),
    why: 'A Close frame arrived and was answered; the other end lost the transport, or its patience, before the answer came.',
  },
  {
    name: 'one of two was lost',
    one: clean(Cause.ClosedByUs, ...ASKED),
    other: unclean(...GAVE_UP, ...LOST, ...ASKED),
    why: 'Both sent a Close frame, and only one of them arrived.',
  },
  {
    name: 'let go, and the other lost it',
    one: clean(...LET_GO),
    other: unclean(...GAVE_UP, ...LOST, ...ASKED),
    why: 'As the two before, but the clean end had to let go of the transport.',
  },
  {
    name: 'broken',
    one: unclean(...GAVE_UP, ...LOST),
    other: unclean(...GAVE_UP, ...LOST),
    why: 'No Close frame got through: the network broke, or one end gave up and the other saw its transport end.',
  },
  {
    name: 'a reason, and broken',
    one: unclean(...FAILED, ...ASKED),
    other: unclean(...GAVE_UP, ...LOST),
    why: 'One end had a reason of its own; the other never heard of it.',
  },
  {
    name: 'two reasons',
    one: unclean(...FAILED, ...ASKED),
    other: unclean(...FAILED, ...ASKED),
    why: 'Both ends had a reason of their own before they heard of the other’s.',
  },
]

/** The row that two ends are an instance of; null when they do not fit each other. */
export function pairOf(server: CloseInfo, client: CloseInfo): Pair | null {
  const fits = ({ one, other }: Pair): boolean =>
    (isOf(one, server) && isOf(other, client)) || (isOf(one, client) && isOf(other, server))
  return PAIRS.find(fits) ?? null
}

function isOf({ isClean, causes }: Side, { wasClean, cause }: CloseInfo): boolean {
  return wasClean === isClean && causes.includes(cause)
}
