import { inNobodysContext } from '../ground/application.ts'
import { nextTick } from '../ground/scheduling.ts'
/** Something that has output to write. */
export interface Flushable {
  flush(): void
}

let queue: Flushable[] = []

/**
 * Flushes `target` when the code that runs now has ended, so that everything sent in one tick leaves in one write.
 *
 * Perf: one `nextTick` for all connections of a tick, whatever their number.
 */
export function flushSoon(target: Flushable): void {
  if (queue.push(target) === 1) nextTick(flushAll)
}

function flushAll(): void {
  const targets = queue
  queue = []
  inNobodysContext(() => {
    for (const target of targets) target.flush()
  })
}
