import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Utf8Validator } from '../../src/frames/utf8.ts'
import { cutAt } from '../support/chunkings.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { textOf } from '../support/frame-arbitraries.ts'
import { isUtf8Text } from '../support/reference-parser.ts'
import { canBeCompleted, isUtf8ByTheGrammar } from '../support/utf8-grammar.ts'

const positions = fc.array(fc.nat(120), { maxLength: 12 })
const text = textOf(60).map((string) => new TextEncoder().encode(string))

/** Text with up to three octets changed, put in or taken out; often it is not UTF-8 any more. */
const spoiled = fc
  .tuple(
    text,
    fc.array(fc.tuple(fc.constantFrom('change', 'insert', 'delete'), fc.nat(200), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([bytes, edits]) => {
    const octets = [...bytes]
    for (const [kind, position, octet] of edits) {
      const at = position % (octets.length + 1)
      octets.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [octet]))
    }
    return Uint8Array.from(octets)
  })

/** Pushes the pieces until one is refused. @returns how many were taken, and whether the text may end there */
function push(pieces: readonly Uint8Array[]): { taken: number; complete: boolean } {
  const validator = new Utf8Validator()
  let taken = 0
  for (const piece of pieces) {
    if (!validator.push(piece)) return { taken, complete: false }
    taken++
  }
  return { taken, complete: validator.isComplete }
}

describe('Utf8Validator', () => {
  it('takes any text in any cut (§5.6) [6455-5.6-1]', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(text, positions, (bytes, cuts) => {
        const pieces = cutAt(bytes, cuts)
        expect(push(pieces)).toEqual({ taken: pieces.length, complete: true })
      }),
      fcOptions(1000),
    )
  })

  it.each([
    ['spoiled text', spoiled],
    ['random octets', fc.uint8Array({ maxLength: 12 })],
  ])(
    'says of %s, in any cut, what the strict decoder, isUtf8 and the grammar say (§8.1) [6455-8.1-1]',
    { timeout: FC_TIMEOUT_MS },
    (_, input) => {
      fc.assert(
        fc.property(input, positions, (bytes, cuts) => {
          const pieces = cutAt(bytes, cuts)
          const { taken, complete } = push(pieces)
          const valid = taken === pieces.length && complete
          expect(valid).toBe(isUtf8Text([...bytes]))
          expect(valid).toBe(isUtf8(bytes))
          expect(valid).toBe(isUtf8ByTheGrammar([...bytes]))
        }),
        fcOptions(1500),
      )
    },
  )

  it('refuses exactly the piece with the first octet that cannot be right (§8.1) [6455-8.1-1]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(fc.oneof(spoiled, fc.uint8Array({ maxLength: 6 })), positions, (bytes, cuts) => {
        const octets = [...bytes]
        const bad = octets.findIndex((_, i) => !canBeCompleted(octets.slice(0, i + 1)))
        const pieces = cutAt(bytes, cuts)
        let expected = pieces.length
        for (let i = 0, end = 0; bad >= 0 && i < pieces.length; i++) {
          end += pieces[i]!.length
          if (end > bad) {
            expected = i
            break
          }
        }
        expect(push(pieces).taken).toBe(expected)
      }),
      fcOptions(300),
    )
  })
})
