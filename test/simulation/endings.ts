import type { CloseInfo } from '../../src/socket/close-info.ts'

/** placeholder */
export interface Pair {
  readonly name: string
}

export function pairOf(one: CloseInfo, other: CloseInfo): Pair | null {
  const word = ({ cause, wasClean }: CloseInfo): string => `${cause}${wasClean ? ' clean' : ''}`
  return { name: [word(one), word(other)].sort().join(' | ') }
}
