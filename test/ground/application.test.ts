import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import {
  describe as describeThrown,
  emit,
  type Guard,
  hook,
  hookAtOnce,
  hookLater,
  inGiversContext,
  printUnseen,
  sourceOf,
  stackOf,
  tell,
  toError,
} from '../../src/ground/application.ts'
import { HOSTILE_VALUES } from '../support/hostile-values.ts'

class Failures implements Guard {
  readonly all: Array<{ error: Error; source: string }> = []
  handlerFailed(error: Error, source: string): void {
    this.all.push({ error, source })
  }
}

const hostile = Object.entries(HOSTILE_VALUES)

function thrower(make: () => unknown): () => never {
  return () => {
    throw make()
  }
}

describe.each(hostile)('%s, thrown by the application', (_, make) => {
  it('is described in a text, and has a stack', () => {
    expect(typeof describeThrown(make())).toBe('string')
    expect(typeof stackOf(make())).toBe('string')
  })

  it('comes out as an Error with a name, a message and a text', () => {
    const error = toError(make())
    expect(error).toBeInstanceOf(Error)
    expect([typeof error.name, typeof error.message, typeof String(error)]).toEqual(['string', 'string', 'string'])
  })

  it('is told to the guard when a listener throws it', () => {
    const guard = new Failures()
    const emitter = new EventEmitter<{ message: [] }>().on('message', thrower(make))
    expect(emit(guard, emitter, 'message')).toBe(true)
    expect(guard.all).toMatchObject([{ error: expect.any(Error), source: "a listener of 'message'" }])
  })

  it('is told to the guard when a callback throws it, or its promise rejects with it', async () => {
    const guard = new Failures()
    tell(guard, thrower(make), 'a callback')
    expect(guard.all).toHaveLength(1)
    tell(guard, async () => thrower(make)(), 'an async callback')
    await new Promise((resolve) => setImmediate(resolve))
    expect(guard.all.map(({ source }) => source)).toEqual(['a callback', 'an async callback'])
  })

  it('leaves a hook as an Error that knows where it came from', async () => {
    const failures: unknown[] = []
    for (const ask of [hook, hookAtOnce]) {
      try {
        ask('the option', thrower(make))
      } catch (error) {
        failures.push(error)
      }
    }
    await hookLater('the option', thrower(make)).catch((error: unknown) => failures.push(error))
    await hookLater('the option', async () => thrower(make)()).catch((error: unknown) => failures.push(error))
    expect(failures).toHaveLength(4)
    for (const error of failures) expect(sourceOf(error as Error)).toBe('the option')
  })

  it('is printed with where it came from', () => {
    const print = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      hook('the option authorize', thrower(make))
    } catch (error) {
      printUnseen(error as Error, 'on the connection of 192.0.2.7:4711')
    }
    const [warning] = print.mock.lastCall as unknown as [Error & { detail: string }]
    print.mockRestore()
    expect(warning.message).toMatch(
      /^the option authorize failed with [\s\S]*, on the connection of 192\.0\.2\.7:4711$/,
    )
    expect(warning).toMatchObject({ name: 'ApplicationWarning', detail: expect.any(String) })
  })
})

describe('toError', () => {
  it('leaves a sound error as it is', () => {
    const error = new RangeError('boom')
    expect(toError(error)).toBe(error)
  })

  it('keeps what was thrown as the cause', () => {
    expect(toError({ code: 5 })).toMatchObject({ message: '{ code: 5 } was thrown', cause: { code: 5 } })
  })
})

describe('describe', () => {
  it('cuts what is long', () => {
    expect(describeThrown(new Error('x'.repeat(10_000)))).toHaveLength(501)
  })
})

describe('stackOf', () => {
  it('has the stacks of the causes', () => {
    const text = stackOf(new Error('outside', { cause: new Error('inside', { cause: 'a string' }) }))
    expect(text).toMatch(
      /^Error: outside\n {4}at [\s\S]*\n {2}caused by Error: inside\n {4}at [\s\S]*\n {2}caused by 'a string'$/,
    )
  })
})

describe('emit', () => {
  it('gives listeners their arguments, and says whether there are any', () => {
    const emitter = new EventEmitter<{ message: [string, boolean] }>()
    const guard = new Failures()
    expect(emit(guard, emitter, 'message', 'a', true)).toBe(false)
    const got: unknown[] = []
    emitter.on('message', (...args) => got.push(...args))
    expect(emit(guard, emitter, 'message', 'a', true)).toBe(true)
    expect(got).toEqual(['a', true])
    expect(guard.all).toEqual([])
  })
})

describe('tell', () => {
  it('hears of an object whose then throws', () => {
    const guard = new Failures()
    const answer = Object.defineProperty({}, 'then', { get: thrower(() => 'boom') })
    tell(guard, () => answer, 'a callback')
    expect(guard.all).toMatchObject([{ source: 'a callback' }])
  })
})

describe('hookAtOnce', () => {
  it('refuses a promise, which would be taken for a yes', () => {
    expect(() => hookAtOnce('shouldHandle', async () => false)).toThrow(/^shouldHandle returned a promise/)
  })

  it('refuses one that rejects, and lets nothing go unheard', () => {
    expect(() => hookAtOnce('shouldHandle', () => Promise.reject(new Error('boom')))).toThrow(/returned a promise/)
  })

  it('takes any other answer', () => {
    const answer = Object.defineProperty({}, 'then', { value: 1 })
    expect(hookAtOnce('a hook', () => answer)).toBe(answer)
    expect(hookAtOnce('a hook', () => null)).toBeNull()
  })
})

describe('inGiversContext', () => {
  it('runs a callback in the async context in which it was given', () => {
    const user = new AsyncLocalStorage<string>()
    const given = user.run('ada', () => inGiversContext((greeting: string) => `${greeting} ${user.getStore()}`))
    expect(user.run('bob', () => given('hello'))).toBe('hello ada')
    expect(given('hello')).toBe('hello ada')
  })
})
