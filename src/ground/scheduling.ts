/*
 * What brings later turns about, taken once when this is loaded. Test runners put their own timers in place of Node's
 * (`vi.useFakeTimers()`, Jest's modern ones); a connection waits for a real peer, and must not stand still with them.
 */
import * as timers from 'node:timers'

const { clearTimeout, setImmediate, setTimeout } = timers
const { nextTick } = process
const { performance, queueMicrotask } = globalThis
const now: () => number = performance.now.bind(performance)

export { clearTimeout, nextTick, now, queueMicrotask, setImmediate, setTimeout }
