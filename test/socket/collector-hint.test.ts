import { afterEach, describe, expect, it, vi } from 'vitest'
import { shortLivedBuffer } from '../../src/socket/collector-hint.ts'

const MIB = 1 << 20

afterEach(() => vi.unstubAllGlobals())

/** The memory that is asked for from now on. @param fail - whether there is none */
function watch(fail = false): number[] {
  const lengths: number[] = []
  vi.stubGlobal(
    'ArrayBuffer',
    class {
      constructor(length: number) {
        lengths.push(length)
        if (fail) throw new RangeError('Array buffer allocation failed')
      }
    },
  )
  return lengths
}

describe('shortLivedBuffer', () => {
  it('asks for memory that nobody uses each time 8 MiB were made', () => {
    // Whatever was counted before is over.
    shortLivedBuffer(8 * MIB)
    const lengths = watch()
    for (let i = 0; i < 127; i++) shortLivedBuffer(64 << 10)
    expect(lengths).toEqual([])
    shortLivedBuffer(64 << 10)
    expect(lengths).toEqual([33 * MIB])
    shortLivedBuffer(8 * MIB - 1)
    expect(lengths).toHaveLength(1)
    shortLivedBuffer(1)
    expect(lengths).toHaveLength(2)
  })

  it('takes it that there is no memory', () => {
    const lengths = watch(true)
    shortLivedBuffer(8 * MIB)
    expect(lengths).toEqual([33 * MIB])
  })
})
