import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { slimListenerTable } from '../../src/socket/listener-table.ts'

interface Fields {
  _events?: unknown
  _eventsCount?: unknown
}

const fieldsOf = (emitter: EventEmitter): Fields => emitter as Fields

describe('slimListenerTable', () => {
  it('replaces the table of an emitter of this version of Node', () => {
    const emitter = new EventEmitter()
    const before = fieldsOf(emitter)._events
    slimListenerTable(emitter)
    expect(fieldsOf(emitter)._events).not.toBe(before)
  })

  it('leaves an emitter as any other, also for names that objects have', () => {
    for (const name of ['message', 'constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      const emitter = new EventEmitter()
      slimListenerTable(emitter)
      expect(emitter.emit(name)).toBe(false)
      expect(emitter.eventNames()).toEqual([])
      const calls: unknown[] = []
      const listener = (value: unknown): unknown => calls.push(value)
      emitter.on(name, listener).once(name, listener)
      expect(emitter.eventNames()).toEqual([name])
      expect(emitter.listenerCount(name)).toBe(2)
      emitter.emit(name, 1)
      emitter.emit(name, 2)
      expect(calls).toEqual([1, 1, 2])
      emitter.off(name, listener)
      expect(emitter.emit(name, 3)).toBe(false)
      expect(emitter.eventNames()).toEqual([])
    }
  })

  it('keeps what does not look as expected', () => {
    const used = new EventEmitter().on('message', () => {})
    const odd = Object.assign(new EventEmitter(), { _events: { message: undefined } })
    const none = Object.assign(new EventEmitter(), { _events: null })
    const uncounted = Object.assign(new EventEmitter(), { _eventsCount: undefined })
    for (const emitter of [used, odd, none, uncounted]) {
      const { _events } = fieldsOf(emitter)
      slimListenerTable(emitter)
      expect(fieldsOf(emitter)._events).toBe(_events)
    }
  })
})
