import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sites } from '../../pages/src/parts/sites.ts'
import { inflate } from '../../pages/src/tools/inflate.ts'
import { sha1 } from '../../pages/src/tools/sha1.ts'
import type { InflateContext, Inflated } from '../../src/inspector/annotate/index.ts'
import { inflate as inflateInNode } from '../../src/inspector/node-tools.ts'
import { fcOptions } from '../support/fc-options.ts'

const ROOT = new URL('../../', import.meta.url)

/** What came out, so that it can be compared. */
function outcome(inflated: Inflated): unknown {
  if (inflated === undefined || typeof inflated === 'string') return inflated
  if (inflated instanceof Uint8Array) return Buffer.from(inflated).toString('hex')
  return { bytes: Buffer.from(inflated.bytes).toString('hex'), window: Buffer.from(inflated.window).toString('hex') }
}

/** RFC 7692 §7.2.2: what every message lacks; behind it a stored block with one byte. */
const TAIL_AND_X = [0x00, 0x00, 0xff, 0xff, 0x00, 0x01, 0x00, 0xfe, 0xff, 0x58]

/** Whether zlib, asked for one byte more behind the message, is still inside a block of it. */
function endsInsideBlock(message: Uint8Array, dictionary: Uint8Array): boolean {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary.length > 0 ? { dictionary } : {}) }
  try {
    return inflateRawSync(Uint8Array.from([...message, ...TAIL_AND_X]), options).at(-1) !== 0x58
  } catch (error) {
    // With more bytes zlib sees it, too.
    if ((error as NodeJS.ErrnoException).code === 'Z_DATA_ERROR') return true
    throw error
  }
}

/** Connections take a few messages that end in the middle of the header of a block; a page that teaches does not. */
function expectSame(message: Uint8Array, context: InflateContext): void {
  const here = outcome(inflate(message, context))
  const there = outcome(inflateInNode(message, context))
  if (here === 'corrupt' && there !== 'corrupt') expect(endsInsideBlock(message, context.dictionary!)).toBe(true)
  else expect(here).toEqual(there)
}

describe('SHA-1 of the pages', () => {
  it('is what Node computes, at every length around a block', () => {
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff)
      expect(Buffer.from(sha1(bytes)).toString('hex')).toBe(createHash('sha1').update(bytes).digest('hex'))
    }
  })
})

describe('inflating in the pages', () => {
  const kinds = {
    data: fc.uint8Array({ maxLength: 3000, max: 40 }),
    dictionary: fc.uint8Array({ maxLength: 600, max: 40 }),
    level: fc.integer({ min: 0, max: 9 }),
    strategy: fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY),
    isFinal: fc.boolean(),
    flip: fc.option(fc.nat()),
    isWhole: fc.boolean(),
    maxLength: fc.constantFrom(1000, Number.POSITIVE_INFINITY),
  }

  it('gives what Node gives: from every kind of block, with what came before, spoilt, cut, too long', () => {
    fc.assert(
      fc.property(fc.record(kinds), ({ data, dictionary, level, strategy, isFinal, flip, isWhole, maxLength }) => {
        const finishFlush = isFinal ? constants.Z_FINISH : constants.Z_SYNC_FLUSH
        const options = { level, strategy, finishFlush, ...(dictionary.length > 0 ? { dictionary } : {}) }
        const deflated = deflateRawSync(data, options)
        // RFC 7692 §7.2.3.4: behind a final block stands one byte of an empty one.
        const message = isFinal ? Uint8Array.from([...deflated, 0]) : Uint8Array.from(deflated.subarray(0, -4))
        if (flip !== null && message.length > 0) message[flip % message.length]! ^= 1 << (flip & 7)
        const context = { index: 0, dictionary, isWhole, maxLength }
        expectSame(message, context)
      }),
      fcOptions(200),
    )
  })

  it('gives what Node gives for bytes that nobody deflated', () => {
    const bytes = fc.uint8Array({ maxLength: 12 })
    fc.assert(
      fc.property(bytes, fc.boolean(), (message, isWhole) => {
        const context = { index: 0, dictionary: new Uint8Array(0), isWhole, maxLength: Number.POSITIVE_INFINITY }
        expectSame(message, context)
      }),
      fcOptions(5000),
    )
  })

  it('leaves a message alone whose window is not known', () => {
    expect(inflate(Uint8Array.of(0), { index: 1, dictionary: null, isWhole: true, maxLength: 10 })).toBeUndefined()
  })
})

describe('the links from a rule to code and test', () => {
  it('name files that speak of the rule', () => {
    const entries = Object.entries(sites)
    expect(entries.length).toBeGreaterThan(40)
    for (const [id, paths] of entries) {
      for (const path of paths!) {
        const url = new URL(path, ROOT)
        expect(existsSync(url), path).toBe(true)
        expect(readFileSync(url, 'utf8'), `${path} and ${id}`).toContain(id)
      }
    }
  })
})
