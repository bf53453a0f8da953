import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FrameSink } from '../../frames/frame-sink.ts'
import { FrameParser } from '../../frames/parser.ts'
import type { Violation } from '../../frames/violation.ts'
import { toError } from '../../ground/application.ts'
import type { Direction } from '../../inspector/annotate/index.ts'
import { usageError } from '../command.ts'
import type { Outcome, PlainFrame } from './expected.ts'

type MakeParser = (
  onFrame: (header: { fin: boolean; opcode: number }, payload: Uint8Array) => void,
) => (chunk: Buffer) => void

/** A module of somebody's own that exports `makeParser(onFrame)`; throws a `CliError` when it does not. */
export async function loadParser(path: string): Promise<MakeParser> {
  let module: { makeParser?: MakeParser }
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as { makeParser?: MakeParser }
  } catch (error) {
    throw usageError(`--parser ${path}: ${toError(error).message}`, error)
  }
  if (typeof module.makeParser !== 'function') throw usageError(`--parser ${path} exports no function makeParser`)
  return module.makeParser
}

/** Gives it the chunks of a client. */
export function runParser(makeParser: MakeParser, chunks: readonly Uint8Array[]): Outcome {
  const frames: PlainFrame[] = []
  try {
    const parse = makeParser(({ fin, opcode }, payload) =>
      frames.push({ fin, opcode, payload: new Uint8Array(payload) }),
    )
    // A copy: it may unmask in place.
    for (const chunk of chunks) parse(Buffer.from(chunk))
  } catch (error) {
    return { frames, refusal: toError(error).message }
  }
  return { frames, refusal: null }
}

/** Gives them to the parser of this package. */
export function runOwnParser(direction: Direction, chunks: readonly Uint8Array[], rsv1Owned: boolean): Outcome {
  const collector = new Collector()
  const parser = new FrameParser(collector, {
    role: direction === 'c2s' ? 'server' : 'client',
    maxPayload: Number.POSITIVE_INFINITY,
    rsv1Owned,
  })
  for (const chunk of chunks) {
    if (collector.broken === null) parser.parse(new Uint8Array(chunk))
  }
  return { frames: collector.frames, refusal: collector.broken?.message ?? null }
}

/** Joins the pieces of frames. */
class Collector implements FrameSink {
  readonly frames: PlainFrame[] = []
  broken: Violation | null = null
  #open: { opcode: number; fin: boolean; pieces: Uint8Array[] } | null = null

  dataFrame(opcode: number, fin: boolean, _rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.frames.push({ opcode, fin, payload: bytes.slice(start, end) })
  }

  dataFrameStart(opcode: number, fin: boolean): void {
    this.#open = { opcode, fin, pieces: [] }
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#open?.pieces.push(bytes.slice(start, end))
  }

  dataFrameEnd(): void {
    if (this.#open === null) return
    const { opcode, fin, pieces } = this.#open
    this.frames.push({ opcode, fin, payload: new Uint8Array(Buffer.concat(pieces)) })
    this.#open = null
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.frames.push({ opcode, fin: true, payload: bytes.slice(start, end) })
  }

  violation(violation: Violation): void {
    this.broken = violation
  }
}
