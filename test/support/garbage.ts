import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects everything that nobody can reach. What a `WeakRef` was asked for lives until the end of the turn. */
export async function collectGarbage(): Promise<void> {
  await new Promise(setImmediate)
  collect()
  await new Promise(setImmediate)
  collect()
}

/** How many of them somebody can still reach. */
export async function countReachable(objects: ReadonlyArray<WeakRef<object>>): Promise<number> {
  await collectGarbage()
  return objects.filter((object) => object.deref() !== undefined).length
}
