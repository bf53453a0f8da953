import { CloseCause as Cause, type CloseCause, type CloseInfo } from '../../src/socket/close-info.ts'
import { WebSocket } from '../../src/socket/websocket.ts'
import type { SimulatedClock } from './clock.ts'
import { type End, fingerprint, type Sent } from './end.ts'
import { pairOf } from './endings.ts'
import { Invariant, must } from './invariants.ts'
import { LONGEST_CHUNK } from './network.ts'

/** What control frames and fragments may add to what waits. */
const SLACK = 20_000

/** What has to hold at any time. */
export function checkNow(end: End): void {
  if (end.broken !== null) throw end.broken
  const { maxPayload, maxBackpressure, slowConsumer } = end.profile.options
  const { bufferedInput } = end.driver.connection
  // A message that is not complete takes at most twice its bytes; chunks that wait add themselves.
  const most = 2 * Math.min(maxPayload, end.peer.longest) + 2 * LONGEST_CHUNK
  must(bufferedInput <= most, Invariant.Limits, () => `${bufferedInput} bytes of input are held`)
  if (!end.driver.connection.paused) end.heldWhilePaused = -1
  else {
    const before = end.heldWhilePaused
    must(before < 0 || bufferedInput <= before, Invariant.Limits, () => 'more input is held after a while of pause')
    end.heldWhilePaused = bufferedInput
  }
  end.passing.check(!end.happened.crash)
  must(!end.happened.crashWhileOpen || !end.isOpen, Invariant.Crash, () => `the ${end.role} goes on`)
  const { readableLength } = end.socket
  must(readableLength <= 2 * LONGEST_CHUNK, Invariant.Limits, () => `${readableLength} bytes wait in the socket`)
  const { bufferedAmount } = end.ws
  const isBounded = slowConsumer !== 'keep'
  must(
    !isBounded || bufferedAmount <= Math.max(maxBackpressure, end.longest) + SLACK,
    Invariant.Limits,
    () => `${bufferedAmount} bytes of output are held`,
  )
}

/** What has to hold when everybody reads, nothing is on its way, and nothing has gone wrong. */
export function checkHealthy(end: End): void {
  const { received, peer } = end
  const expected = checkOrder(peer, end).length
  const isTaken = end.profile.reader !== 'nobody'
  must(
    !isTaken || received.length === expected,
    Invariant.Loss,
    () => `${received.length} of ${expected} messages arrived`,
  )
  must(end.pongs.length === end.pings.sent.length, Invariant.Controls, () => 'a ping was not answered')
  must(!end.owesDrain, Invariant.Drain, () => 'send said wait, everything has left, and no drain came')
  const open = end.sent.filter(({ fate }) => fate === 'open').length
  must(open === 0, Invariant.Callbacks, () => `${open} sends that are done were not called back`)
}

/** What has to hold when all is over. */
export function checkEnd(server: End, client: End, clock: SimulatedClock): void {
  for (const end of [server, client]) {
    if (end.broken !== null) throw end.broken
    const { ws, socket } = end
    const reports = [end.ends.length, end.closeEvents]
    must(
      reports.every((count) => count === 1),
      Invariant.End,
      () => `the end was told ${reports.join(' and ')} times`,
    )
    must(ws.readyState === WebSocket.CLOSED, Invariant.End, () => 'a connection is not CLOSED')
    must(end.isReaderDone, Invariant.End, () => 'an iteration over the messages did not end')
    must(ws.bufferedAmount === 0, Invariant.Retained, () => `${ws.bufferedAmount} bytes are still buffered`)
    must(end.heartbeat.size === 0, Invariant.Retained, () => 'the heartbeat still watches')
    must(end.driver.connection.bufferedInput === 0, Invariant.Retained, () => 'bytes of input are held')
    must(socket.destroyed, Invariant.Retained, () => 'a socket is left')
    end.passing.check(!end.happened.crash)
    for (const { data, print } of end.kept) {
      const now = fingerprint(data)
      must(now === print, Invariant.Kept, () => `${print} became ${now}`)
    }
  }
  must(clock.pending === 0, Invariant.Retained, () => `${clock.pending} timers are left`)
}

/** The close codes, reasons and causes of both ends, whether or not they are clean. @returns the pair of the causes */
export function checkAgreement(server: End, client: End): string {
  const [ours, theirs] = [server.ends[0]!, client.ends[0]!]
  const pair = pairOf(ours, theirs)
  must(pair !== null, Invariant.Pairs, () => `${describe(ours)} on the server, ${describe(theirs)} on the client`)
  for (const [end, other] of [
    [server, client],
    [client, server],
  ] as const) {
    const [seen, sent] = [end.ends[0]!, other.ends[0]!]
    // Whatever was seen was sent by the other end; 1006 says that nothing was seen.
    must(
      seen.code === sent.sentCode || seen.code === 1006,
      Invariant.Codes,
      () => `the ${end.role} saw ${seen.code}, the other sent ${sent.sentCode}`,
    )
    must(
      seen.wasClean === (seen.code !== 1006 && seen.sentCode !== 0),
      Invariant.Codes,
      () => `the ${end.role} calls it ${seen.wasClean ? '' : 'un'}clean, with ${seen.code} seen, ${seen.sentCode} sent`,
    )
    const reason = reasonOf(other, sent)
    must(
      seen.code === 1006 || reason === undefined || seen.reason === reason,
      Invariant.Codes,
      () => `the ${end.role} saw the reason ${JSON.stringify(seen.reason)}`,
    )
    checkSentCode(end, seen)
    checkCause(end, seen)
  }
  return pair.name
}

function describe({ cause, wasClean }: CloseInfo): string {
  return `${cause} (${wasClean ? 'clean' : 'unclean'})`
}

/** The reason that an end has sent; undefined when its cause does not say. */
function reasonOf(end: End, { cause }: CloseInfo): string | undefined {
  if (cause === Cause.ClosedByUs) return end.closedWith?.reason
  // What answers a Close frame has none.
  return cause === Cause.ClosedByPeer ? '' : undefined
}

function checkSentCode(end: End, { cause, sentCode, code }: CloseInfo): void {
  const expected: Partial<Record<CloseCause, readonly number[]>> = {
    [Cause.ClosedByUs]: [end.closedWith?.code ?? 1005],
    [Cause.ClosedByPeer]: [code],
    [Cause.LimitExceeded]: [1008, 1009],
    [Cause.RateLimit]: [1008],
    [Cause.HandlerError]: [1011],
    [Cause.StreamAborted]: [1011],
    [Cause.SlowConsumer]: [1013],
  }
  const codes = expected[cause]
  const own = end.closedWith === null ? [] : [end.closedWith.code ?? 1005]
  must(
    codes === undefined || codes.includes(sentCode) || own.includes(sentCode),
    Invariant.Codes,
    () => `the ${end.role} sent ${sentCode} and names ${cause}`,
  )
}

/** A cause is only named when what it says has happened. */
function checkCause(end: End, { cause, requirement }: CloseInfo): void {
  const { happened, peer, times, profile, socket } = end
  const { heartbeat, closeTimeout, writeStallTimeout, rates, slowConsumer } = profile.options
  const since = (time: number): number => times.ended - time
  const silence = heartbeat === null ? Number.POSITIVE_INFINITY : heartbeat.idleMs + heartbeat.timeoutMs
  const holds: Record<CloseCause, boolean> = {
    [Cause.ClosedByUs]: end.sentBeforeClose >= 0,
    [Cause.ClosedByPeer]: peer.ends[0]!.sentCode !== 0,
    [Cause.ProtocolViolation]: false,
    [Cause.LimitExceeded]: peer.happened.aboveLimit,
    [Cause.RateLimit]: rates?.onExceeded === 'close',
    [Cause.HandlerError]: happened.crash,
    [Cause.HeartbeatTimeout]: since(times.arrival) >= silence,
    [Cause.CloseTimeout]: since(times.open) >= closeTimeout,
    [Cause.WriteStall]: since(times.written) >= writeStallTimeout,
    [Cause.SlowConsumer]: slowConsumer === 'close' && happened.wasFull,
    [Cause.MemoryBudget]: false,
    [Cause.StreamAborted]: happened.failedSource,
    [Cause.Terminated]: happened.terminated,
    [Cause.TransportError]: socket.wasReset,
    [Cause.TransportEnded]: socket.gotFin || end.wasEnded,
    [Cause.HandshakeFailed]: false,
  }
  must(
    !happened.crashWhileOpen || cause === Cause.HandlerError,
    Invariant.Crash,
    () => `the ${end.role} names ${cause} after it`,
  )
  must(holds[cause], Invariant.Cause, () => `the ${end.role} names ${cause}${requirement ? ` (${requirement})` : ''}`)
}

/** What arrived of messages and control frames. */
export function checkMessages(sender: End, receiver: End): void {
  for (const { calls, fate, print } of sender.sent) {
    must(calls === 1, Invariant.Callbacks, () => `${print} was called back ${calls} times`)
    must(fate !== 'open', Invariant.Callbacks, () => `${print} has no fate`)
  }
  const expected = checkOrder(sender, receiver)
  checkBeginning(receiver.pings.received, sender.pings.sent, 'a ping')
  checkBeginning(sender.pongs, sender.pings.sent, 'a pong')

  const { wasClean, cause } = sender.ends[0]!
  if (cause !== Cause.ClosedByUs || !wasClean || receiver.ends[0]!.initiator !== 'remote' || receiver.hasGivenUp) return
  const lost = expected.slice(receiver.received.length).filter(({ fate }) => fate === 'done' || !sender.hasStreamed)
  must(lost.length === 0, Invariant.Loss, () => `${lost.length} messages before the close did not arrive`)
  const { pingsBeforeClose, pongs } = sender
  must(pongs.length === pingsBeforeClose, Invariant.Controls, () => `${pongs.length} of ${pingsBeforeClose} pongs came`)
}

/** What was left out never arrives; of the rest, what arrives is the beginning. @returns the rest */
function checkOrder(sender: End, { received }: End): Sent[] {
  const expected = sender.sent.filter(({ fate }) => fate !== 'left out')
  must(received.length <= expected.length, Invariant.Order, () => `${received.length} of ${expected.length} messages`)
  for (const [i, print] of received.entries()) {
    must(print === expected[i]!.print, Invariant.Order, () => `${print} came for ${expected[i]!.print}`)
  }
  return expected
}

function checkBeginning(seen: readonly string[], sent: readonly string[], what: string): void {
  const isBeginning = seen.length <= sent.length && seen.every((payload, i) => payload === sent[i])
  must(isBeginning, Invariant.Controls, () => `${what} is doubled, lost or another one`)
}
