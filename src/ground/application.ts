/*
 * The doors into code of the application: its listeners (`emit`), its callbacks (`tell`), and the functions it gave to
 * be asked (`hook`). Nothing else calls it, so what it throws is always met here, and comes out as an `Error` that can
 * be looked at without harm, whatever was thrown.
 *
 * Somebody may throw anything: a string, null, an object without a prototype, one whose `toString` throws, a Proxy. Only
 * `describe`, `toError` and `stackOf` look at such a value.
 */
import { AsyncResource } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import { inspect, types } from 'node:util'
import { UsageError, WebSocketError } from '../errors.ts'

/** Whom a door tells that code of the application failed. */
export interface Guard {
  /** @param source - whose code it was, for people: `a listener of 'message'` */
  handlerFailed(error: Error, source: string): void
}

/** A callback as the application gave it. */
type Callback<Args extends unknown[]> = (...args: Args) => unknown

/** Events by name, with the arguments of their listeners. */
type EventMap<Events> = { [E in keyof Events]: unknown[] }

/** Most characters of a value that was thrown in a message. */
const LONGEST = 500

/** Most causes of an error that are looked at. */
const MOST_CAUSES = 8

/** Where errors of the application came from. */
const sources: WeakMap<Error, string> = new WeakMap()

/**
 * Emits an event to listeners of the application. One that throws keeps those behind it from being called, as in any
 * emitter; the guard is told.
 *
 * @returns whether somebody listened
 */
export function emit<Events extends EventMap<Events>, E extends keyof Events & string>(
  guard: Guard,
  emitter: EventEmitter<Events>,
  event: E,
  ...args: Events[E]
): boolean {
  try {
    return (emitter as unknown as EventEmitter).emit(event, ...args)
  } catch (thrown) {
    failed(guard, thrown, listenerOf(event))
    return true
  }
}

/**
 * As {@link emit}, to listeners that take part in what is being done.
 *
 * @throws Error: what a listener threw, made safe
 */
export function emitHook<Events extends EventMap<Events>, E extends keyof Events & string>(
  emitter: EventEmitter<Events>,
  event: E,
  ...args: Events[E]
): boolean {
  return hook(listenerOf(event), () => (emitter as unknown as EventEmitter).emit(event, ...args))
}

/** What a listener of `event` is called in reports. */
export function listenerOf(event: string): string {
  return `a listener of '${event}'`
}

/** Calls a callback of the application; the guard is told what it throws, and what a promise it returns rejects with. */
export function tell<Args extends unknown[]>(
  guard: Guard,
  callback: Callback<Args>,
  source: string,
  ...args: Args
): void {
  try {
    const result = callback(...args)
    if (typeof result === 'object' && result !== null) watch(result, (thrown) => failed(guard, thrown, source))
  } catch (thrown) {
    failed(guard, thrown, source)
  }
}

/**
 * A callback for later that runs in the async context in which it was given: `AsyncLocalStorage` has there what it has
 * here, whoever brings it about.
 *
 * Perf: 0.13 us on Node 20; `AsyncResource.bind` takes 30 with the collector's work.
 */
export function inGiversContext<Args extends unknown[]>(callback: Callback<Args>): (...args: Args) => unknown {
  const context = new AsyncResource('framewright.callback')
  return (...args) => context.runInAsyncScope(callback, undefined, ...args)
}

/** The context in which this was loaded: that of no user. */
const nobodysContext = new AsyncResource('framewright.engine')

/** Does what serves many connections at once, so that none of them finds the async context of another there. */
export function inNobodysContext<Result>(work: () => Result): Result {
  return nobodysContext.runInAsyncScope(work)
}

/**
 * Asks a function of the application.
 *
 * @param source - whose code it is, for people: `the option authorize`
 * @throws Error: what the function threw, made safe by {@link toError}
 */
export function hook<Args extends unknown[], Answer>(
  source: string,
  ask: (...args: Args) => Answer,
  ...args: Args
): Answer {
  try {
    return ask(...args)
  } catch (thrown) {
    throw thrownBy(source, thrown)
  }
}

/**
 * As {@link hook}, for an answer that is needed at once.
 *
 * @throws UsageError when the answer is a promise, which would be taken for a yes
 */
export function hookAtOnce<Args extends unknown[], Answer>(
  source: string,
  ask: (...args: Args) => Answer,
  ...args: Args
): Answer {
  const answer = hook(source, ask, ...args)
  if (typeof answer !== 'object' || answer === null) return answer
  let isPromise: boolean
  try {
    isPromise = watch(answer, () => {})
  } catch (thrown) {
    throw thrownBy(source, thrown)
  }
  if (isPromise)
    throw thrownBy(source, new UsageError(`${source} returned a promise; it is asked for its answer at once`))
  return answer
}

/** As {@link hook}, for a function that may answer later. Rejects with what it threw or rejected with, made safe. */
export async function hookLater<Args extends unknown[], Answer>(
  source: string,
  ask: (...args: Args) => Answer | PromiseLike<Answer>,
  ...args: Args
): Promise<Answer> {
  try {
    return await ask(...args)
  } catch (thrown) {
    throw thrownBy(source, thrown)
  }
}

/** Whose code threw an error that came out of a door, or its cause; undefined when it came from nowhere we know. */
export function sourceOf(error: Error): string | undefined {
  for (const one of causesOf(error)) {
    const source = isSound(one) ? sources.get(one) : undefined
    if (source !== undefined) return source
  }
  return undefined
}

/** What was thrown, as an Error that can be looked at: itself if it is a sound one, otherwise a new one that describes it. */
export function toError(thrown: unknown): Error {
  return isSound(thrown) ? thrown : new Error(`${describe(thrown)} was thrown`, { cause: thrown })
}

/** What was thrown, in one short text. Never throws. */
export function describe(thrown: unknown): string {
  const text = attempt(() => (isSound(thrown) ? `${thrown.name}: ${thrown.message}` : inspect(thrown, { depth: 1 })))
  const shown = text ?? attempt(() => Object.prototype.toString.call(thrown)) ?? `a value of type ${typeof thrown}`
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown
}

/** The message of what was thrown, for people. Never throws. */
export function messageOf(thrown: unknown): string {
  return toError(thrown).message
}

/** The stack of what was thrown, with those of its causes; its description when it has none. Never throws. */
export function stackOf(thrown: unknown): string {
  return causesOf(thrown)
    .map((one) => attempt(() => (isSound(one) ? one.stack : undefined)) ?? describe(one))
    .join('\n  caused by ')
}

/**
 * Prints what the application has not seen: its own fault that nobody listened to.
 *
 * @param where - on which connection it happened, if that is known: `on the connection of 192.0.2.7:4711`
 */
export function printUnseen(error: Error, where: string): void {
  const source = sourceOf(error)
  const what = source === undefined ? describe(error) : `${source} failed with ${describe(error)}`
  const warning = new WebSocketError('ERR_APPLICATION_FAILED', where === '' ? what : `${what}, ${where}`)
  warning.cause = error
  // Node: of a warning it prints the message, and the stack only by `--trace-warnings`; this it prints always.
  Object.assign(warning, { name: 'ApplicationWarning', detail: stackOf(error) })
  process.emitWarning(warning)
}

/** Makes what was thrown safe, and remembers whose code threw it. */
export function thrownBy(source: string, thrown: unknown): Error {
  const error = toError(thrown)
  sources.set(error, source)
  return error
}

function failed(guard: Guard, thrown: unknown, source: string): void {
  guard.handlerFailed(thrownBy(source, thrown), source)
}

/** Hears of the rejection of a promise, so that it does not go unheard. @returns whether it is one */
function watch(result: object, rejected: (thrown: unknown) => void): boolean {
  const { then } = result as { then?: unknown }
  if (typeof then !== 'function') return false
  Promise.resolve(result).then(undefined, rejected)
  return true
}

/** Whether a value is an Error in whose usual members nothing lies in wait. */
function isSound(thrown: unknown): thrown is Error {
  if (types.isProxy(thrown)) return false
  return (
    attempt(() => {
      if (!(thrown instanceof Error)) return false
      const { name, message, stack = '' } = thrown
      return [name, message, stack].every((text) => typeof text === 'string') && typeof String(thrown) === 'string'
    }) === true
  )
}

/** What was thrown, its cause, the cause of that, and so on; not without end. */
function causesOf(thrown: unknown): unknown[] {
  const causes: unknown[] = []
  for (let next = thrown; next !== undefined && !causes.includes(next) && causes.length < MOST_CAUSES; ) {
    causes.push(next)
    const error = isSound(next) ? next : null
    next = attempt(() => error?.cause)
  }
  return causes.length === 0 ? [thrown] : causes
}

/** @returns undefined when it throws */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
