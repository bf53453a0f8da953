import { SlabPool } from '../protocol/output.ts'
import { ParserPool } from '../protocol/parser-pool.ts'

/** What all connections of the process use in turns, servers' and clients'. */
export const pools = Object.freeze({ slabPool: new SlabPool(), parserPool: new ParserPool() })
