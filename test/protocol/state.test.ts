import { describe, expect, it } from 'vitest'
import { ReadyState, ReceiveHalf, readyStateOf, SendHalf, TransportIntent } from '../../src/protocol/state.ts'

describe('readyStateOf', () => {
  it.each([
    ['Open', 'Open', 'OPEN'],
    ['Open', 'CloseSent', 'CLOSING'],
    ['Open', 'Ended', 'CLOSING'],
    ['CloseReceived', 'Open', 'CLOSING'],
    ['CloseReceived', 'CloseSent', 'CLOSING'],
    ['CloseReceived', 'Ended', 'CLOSING'],
    ['Failed', 'Open', 'CLOSING'],
    ['Failed', 'CloseSent', 'CLOSING'],
    ['Failed', 'Ended', 'CLOSING'],
    ['Ended', 'Open', 'CLOSING'],
    ['Ended', 'CloseSent', 'CLOSING'],
    ['Ended', 'Ended', 'CLOSED'],
  ] as const)('receive half %s and send half %s make %s (§7.1.3, §7.1.4) [6455-7.1.3-1]', (receive, send, expected) => {
    expect(readyStateOf(ReceiveHalf[receive], SendHalf[send])).toBe(ReadyState[expected])
  })

  it('is judged on every pair there is', () => {
    expect(Object.keys(ReceiveHalf).length * Object.keys(SendHalf).length).toBe(12)
  })
})

describe('the value sets', () => {
  it('numbers the states as browsers do', () => {
    expect(ReadyState).toEqual({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })
  })

  it('orders the intents by how much is over, so that a driver may compare them', () => {
    expect(TransportIntent).toEqual({ None: 0, ExpectClose: 1, HalfClose: 2 })
  })
})
