import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { WebSocket } from '../../src/socket/websocket.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

/** What the programs below do with a target of events. */
interface Target {
  add(listener: unknown, options: { once: boolean; capture: boolean; signal?: AbortSignal }): void
  remove(listener: unknown, capture: boolean): void
  set(handler: (() => void) | null): void
  get(): unknown
  fire(): void
}

/** Node's EventTarget. An AbortSignal is one that has an `on…` attribute. */
function nodeTarget(): Target {
  const { signal: target } = new AbortController()
  return {
    add: (listener, options) => target.addEventListener('abort', listener as () => void, options),
    remove: (listener, capture) => target.removeEventListener('abort', listener as () => void, { capture }),
    set: (handler) => {
      target.onabort = handler
    },
    get: () => target.onabort,
    fire: () => target.dispatchEvent(new Event('abort')),
  }
}

function socketTarget(ws: Pick<WebSocket, 'addEventListener' | 'removeEventListener' | 'onopen'>): Target {
  return {
    add: (listener, options) => ws.addEventListener('open', listener as () => void, options),
    remove: (listener, capture) => ws.removeEventListener('open', listener as () => void, { capture }),
    set: (handler) => {
      ws.onopen = handler
    },
    get: () => ws.onopen,
    fire: () => EventEmitter.prototype.emit.call(ws as unknown as EventEmitter, 'open'),
  }
}

type Action =
  | { readonly do: 'add'; readonly who: number; readonly once: boolean; readonly capture: boolean }
  | { readonly do: 'remove'; readonly who: number; readonly capture: boolean }
  | { readonly do: 'set'; readonly who: number }
  | { readonly do: 'abort'; readonly by: number }
  | { readonly do: 'fire' }

const LISTENERS = 4
/** The last two are objects with a method `handleEvent`. */
const OBJECTS_FROM = 2
/** The signal that each listener is added with. */
const SIGNAL_OF = [-1, 0, -1, 1]

/** Runs a program and says what was called, in order. @param inside - what a listener does when it is called */
function run(target: Target, program: readonly Action[], inside: readonly (Action | null)[]): string[] {
  const log: string[] = []
  const signals = [new AbortController(), new AbortController()]
  let depth = 0
  const called = (name: string, who: number): void => {
    log.push(name)
    const action = inside[who]
    if (action === null || action === undefined || depth > 1) return
    act(action)
  }
  const listeners = Array.from({ length: LISTENERS }, (_, who) => {
    const listener = (): void => called(`listener ${who}`, who)
    return who < OBJECTS_FROM ? listener : { handleEvent: listener }
  })
  const handlers = Array.from({ length: LISTENERS }, (_, who) => () => called(`handler ${who}`, who))
  const act = (action: Action): void => {
    if (action.do === 'add') {
      const { once, capture } = action
      const signal = signals[SIGNAL_OF[action.who]!]?.signal
      target.add(listeners[action.who], { once, capture, ...(signal === undefined ? {} : { signal }) })
    } else if (action.do === 'remove') target.remove(listeners[action.who], action.capture)
    else if (action.do === 'set') target.set(handlers[action.who] ?? null)
    else if (action.do === 'abort') signals[action.by]!.abort()
    else {
      depth++
      log.push('(')
      target.fire()
      log.push(`) ${handlers.indexOf(target.get() as () => void)}`)
      depth--
    }
  }
  for (const action of program) act(action)
  act({ do: 'fire' })
  return log
}

const who = fc.nat({ max: LISTENERS - 1 })
const by = fc.nat({ max: 1 })
const removal = fc.record({ do: fc.constant('remove' as const), who, capture: fc.boolean() })
const abort = fc.record({ do: fc.constant('abort' as const), by })
const setting = fc.record({ do: fc.constant('set' as const), who })
const firing = fc.constant({ do: 'fire' } as const)
const adding = fc.record({ do: fc.constant('add' as const), who, once: fc.boolean(), capture: fc.boolean() })
/**
 * What Node does otherwise than the standards is left out here, and stands in event-target.test.ts: it tells a listener
 * that is added while the event is being told; an attribute that was null keeps its place; and the signal of an addition
 * that added nothing, since the listener was there, removes it nevertheless.
 */
const inside = fc.array(fc.oneof(fc.constant(null), removal, abort), { minLength: LISTENERS, maxLength: LISTENERS })
const program = fc.array(fc.oneof({ arbitrary: adding, weight: 3 }, removal, abort, setting, firing), { maxLength: 25 })

describe('the listeners of a WebSocket', () => {
  it('are called as those of Node’s EventTarget, whatever is added, removed, aborted and replaced', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(program, inside, (actions, insides) => {
        const ours = run(socketTarget(new WebSocket(null)), actions, insides)
        const nodes = run(nodeTarget(), actions, insides)
        if (ours.join('\n') !== nodes.join('\n')) throw new Error(`${ours.join(', ')}\nand not\n${nodes.join(', ')}`)
      }),
      fcOptions(400),
    )
  })

  it('are called as those of ws, in what ws knows', { timeout: FC_TIMEOUT_MS }, () => {
    // ws knows no `capture` and no `signal`, gives an attribute that is replaced a new place, and tells a listener that
    // was removed while the event is being told.
    const known = fc.oneof(
      { arbitrary: adding.map((action) => ({ ...action, who: action.who & ~1, capture: false })), weight: 3 },
      removal.map((action) => ({ ...action, capture: false })),
      firing,
    )
    fc.assert(
      fc.property(fc.array(known, { maxLength: 25 }), (actions) => {
        const ours = run(socketTarget(new WebSocket(null)), actions, [])
        const theirs = run(socketTarget(new WsWebSocket(null, undefined, {}) as unknown as WebSocket), actions, [])
        if (ours.join('\n') !== theirs.join('\n')) throw new Error(`${ours.join(', ')}\nand not\n${theirs.join(', ')}`)
      }),
      fcOptions(200),
    )
  })
})
