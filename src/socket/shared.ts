import { SlabPool } from '../protocol/output.ts'

/** One slab pool serves all connections of the process, servers' and clients'. */
export const slabPool = new SlabPool()
