import { describe, expect, it } from 'vitest'
import { findSchedulers } from './support/door-rules.ts'
import { readSources } from './support/sources.ts'

describe('src/', () => {
  it('takes ticks, timers and the time from the ground', () => {
    expect(findSchedulers(readSources())).toEqual([])
  })
})

describe('findSchedulers', () => {
  it.each([
    'setTimeout(f, 1)',
    'const later = setImmediate',
    'process.nextTick(f)',
    'const { now } = { now: performance.now }',
    'globalThis.setInterval(f, 1)',
    'globalThis.process.nextTick(f)',
    'queueMicrotask(f)',
  ])('finds %s', (source) => {
    expect(findSchedulers(new Map([['server/a.ts', `\n${source}`]]))).toMatchObject([{ file: 'server/a.ts', line: 2 }])
  })

  it.each([
    "import { setTimeout } from '../ground/scheduling.ts'\nsetTimeout(f, 1)",
    'clock.setTimeout(f, 1)',
    'interface Clock { setTimeout(): void }',
    'const { setTimeout: set } = socket',
    '// setTimeout(f, 1)',
  ])('leaves %s alone', (source) => {
    expect(findSchedulers(new Map([['server/a.ts', source]]))).toEqual([])
  })
})
