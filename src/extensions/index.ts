/** What extensions need to be known by: options, and the limit of their memory. */
export type { CompressRule } from './permessage-deflate/deflating-encoder.ts'
export { type DeflateMemory, deflateMemory } from './permessage-deflate/memory.ts'
export type { PerMessageDeflateOptions } from './permessage-deflate/options.ts'
