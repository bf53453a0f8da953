import { readdirSync, readFileSync } from 'node:fs'
import { hex } from '../support/hex.ts'
import type { Fuzz } from './cost.ts'

export const CORPUS = new URL('corpus/', import.meta.url)

/** The names of all targets. */
export const TARGETS: readonly string[] = readdirSync(new URL('targets/', import.meta.url))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort()

/** The committed inputs of a target: one per line, as hex. */
export function readCorpus(target: string): Uint8Array[] {
  const lines = readFileSync(new URL(`${target}.hex`, CORPUS), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map(hex)
}

/** The function under test. */
export async function loadTarget(target: string): Promise<Fuzz> {
  const { fuzz } = (await import(new URL(`targets/${target}.ts`, import.meta.url).href)) as { fuzz: Fuzz }
  return fuzz
}
