import { isDeepStrictEqual } from 'node:util'
import { violations } from '../../../src/frames/violation.ts'
import { record } from '../../support/recording-sink.ts'
import { referenceParse } from '../../support/reference-parser.ts'
import { FuzzInput, must } from '../input.ts'

/**
 * A stream of frames in any cut, for either role: the parser sees what a slow reading of RFC 6455 §5 sees, frame by
 * frame and to the same violation.
 */
export function fuzz(data: Uint8Array): void {
  const input = new FuzzInput(data)
  const choice = input.byte()
  const options = {
    role: (choice & 1) === 0 ? 'server' : 'client',
    rsv1Owned: (choice & 2) !== 0,
    ...((choice & 4) === 0 ? {} : { maxPayload: 40 }),
    ...((choice & 8) === 0 ? {} : { maxFragments: 3 }),
  } as const
  const pieces = input.pieces()
  const expected = referenceParse(input.rest(), options)
  const { frames, violation, partial } = record(pieces, options)
  const wanted = expected.violation === null ? null : violations[expected.violation as keyof typeof violations]
  must(isDeepStrictEqual(frames, expected.frames), () => 'other frames than the reference')
  must(violation === wanted, () => `${violation?.id} instead of ${wanted?.id}`)
  must(isDeepStrictEqual(partial, expected.partial), () => 'another open frame than the reference')
}
