import type { FrameSink } from '../frames/frame-sink.ts'
import { FrameParser, type FrameParserOptions } from '../frames/parser.ts'

/** Parsers that are kept for whoever needs one next. */
const MOST_SPARE_PARSERS = 64

/**
 * Parsers that no connection needs at the moment.
 *
 * Between two messages a parser knows nothing of its stream, so a connection borrows one for the bytes of a read, and
 * keeps it only when they end inside a frame or a message.
 *
 * Perf: `npm run bench -- memory`; an idle connection has no parser.
 */
export class ParserPool {
  readonly #spare: FrameParser[] = []

  /** @param rsv1Owned - whether a negotiated extension owns RSV1 */
  borrow(sink: FrameSink, options: FrameParserOptions, rsv1Owned: boolean): FrameParser {
    const parser = this.#spare.pop() ?? new FrameParser(sink, options)
    parser.begin(sink, options, rsv1Owned)
    return parser
  }

  /** Takes back a parser that is idle. */
  giveBack(parser: FrameParser): void {
    parser.end()
    if (this.#spare.length < MOST_SPARE_PARSERS) this.#spare.push(parser)
  }
}
