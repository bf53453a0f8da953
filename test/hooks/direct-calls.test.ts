import { expect, it } from 'vitest'
import { findDirectCalls, listHooks } from '../support/hooks.ts'

/** Places that call past the doors, and why they may. */
const IN_A_DOOR = 'stands in the function that a door is given'
const ALLOWED: Readonly<Record<string, string>> = {
  'inspector/annotate/annotator.ts: a look at what was caught: cause as Error': 'it is of our own parser',
  'server/upgrader.ts: a call of Accepted': 'the server has put the callback of the application into a door',
  'socket/send-callbacks.ts: a call of SendCallback': 'the function that tells all of one write, each by a door',
  'socket/transport-writer.ts: a call of SendCallback': 'the same, when the write is done',
  'socket/taps.ts: a call of observer.observe': IN_A_DOOR,
  'socket/taps.ts: a call of tap.closed': IN_A_DOOR,
  'socket/taps.ts: a call of tap.closing': IN_A_DOOR,
  'socket/taps.ts: a call of tap.destroyed': IN_A_DOOR,
  'socket/taps.ts: a call of tap.failed': IN_A_DOOR,
  'socket/taps.ts: a call of tap.opened': IN_A_DOOR,
  'socket/taps.ts: a call of tap.received': IN_A_DOOR,
  'socket/taps.ts: a call of tap.receivedEnd': IN_A_DOOR,
  'socket/taps.ts: a call of tap.refused': IN_A_DOOR,
  'socket/taps.ts: a call of tap.sent': IN_A_DOOR,
  'socket/taps.ts: a call of tap.sentEnd': IN_A_DOOR,
}

it('nothing in src/ calls the application past the doors, or looks at what it threw', () => {
  const calls = findDirectCalls(listHooks()).map(({ file, what }) => `${file}: ${what}`)
  expect([...new Set(calls)].sort()).toEqual(Object.keys(ALLOWED).sort())
}, 60_000)
