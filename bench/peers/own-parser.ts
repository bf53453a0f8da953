/*
 * A parser of somebody's own beside the others: `npm run bench -- frames --parser ./mine.mjs`. Its module exports
 *
 *     makeParser(onFrame): (chunk) => void
 *
 * which is called for each connection; `onFrame({ fin, opcode }, payload)` for each frame, its payload unmasked; what no
 * client may send is thrown out with an exception. It is measured only when it refuses what it must.
 */
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ParserContender } from './parsers.ts'

type MakeParser = (
  onFrame: (header: { fin: boolean; opcode: number }, payload: Uint8Array) => void,
) => (chunk: Buffer) => void

/** Why a parser is not measured. */
export class RefusedParser extends Error {
  override name = 'RefusedParser'
}

/** A stream that no server may accept, and the requirement that says so. */
interface IllegalStream {
  readonly id: string
  readonly about: string
  readonly hex: string
}

/**
 * Loads a parser, and tries on it what it must refuse.
 *
 * @param path - of its module
 * @throws RefusedParser that says what is wrong with it
 */
export async function ownParser(path: string): Promise<ParserContender> {
  const { makeParser } = (await import(pathToFileURL(resolve(path)).href)) as { makeParser?: MakeParser }
  if (typeof makeParser !== 'function') throw new RefusedParser(`${path} exports no function makeParser`)
  const url = new URL('../corpus/illegal.json', import.meta.url)
  const streams = JSON.parse(readFileSync(url, 'utf8')) as readonly IllegalStream[]
  for (const { id, about, hex } of streams) {
    if (!doesRefuse(makeParser, Buffer.from(hex, 'hex'))) {
      throw new RefusedParser(`${path} is not measured: it does not refuse ${about} (${id})`)
    }
  }
  return {
    name: basename(path),
    make: (onMessage) =>
      makeParser(({ fin, opcode }, payload) => {
        if (fin && opcode < 8) onMessage(payload, 0, payload.length)
      }),
  }
}

function doesRefuse(makeParser: MakeParser, bytes: Buffer): boolean {
  try {
    makeParser(() => {})(bytes)
    return false
  } catch {
    return true
  }
}
