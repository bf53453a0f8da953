import { SlabPool } from '../protocol/output.ts'
import { ParserPool } from '../protocol/parser-pool.ts'

/** What all connections of the process use in turns, servers' and clients'. */
const pools = { slabPool: new SlabPool(), parserPool: new ParserPool() }

/** Options of connections with these pools; frozen, so that connections refer to them instead of copying them. */
export function withPools<Options extends object>(options: Options): Readonly<Options & typeof pools> {
  return Object.freeze({ ...options, ...pools })
}
