import { expect } from 'vitest'
import { grown } from './row.ts'
import type { Target } from './target.ts'

/**
 * Fails unless memory stays flat when the same work is done again: what leaks does so each time, while what the process
 * takes once, to compile and to make room, comes to an end.
 */
export async function expectFlat(target: Target, work: () => Promise<unknown>, mostHeld: number): Promise<void> {
  const rounds: string[] = []
  await work()
  for (let last = await target.measure(); rounds.length < 6; ) {
    await work()
    const now = await target.measure()
    const [held, resident] = [grown(last, now), now.rss - last.rss]
    if (held <= mostHeld && resident <= 4 << 20) return
    rounds.push(`${held} bytes held and ${resident} resident`)
    last = now
  }
  expect.fail(`each round leaves more behind: ${rounds.join(', ')}`)
}
