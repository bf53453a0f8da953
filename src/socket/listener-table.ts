import type { EventEmitter } from 'node:events'

/** An object without a prototype, as the table of an `EventEmitter` is, but with a shape that engines know. */
const Table = function Table() {} as unknown as new () => object
Table.prototype = Object.create(null)

/**
 * Gives an emitter that has no listeners yet a table that takes less memory and is faster to look up.
 *
 * Node: an emitter makes its table as a dictionary, 184 bytes for one listener; as an ordinary object it takes 56. The
 * field is none of the public ones, so an emitter that does not look as expected keeps what it has.
 *
 * Perf: `npm run bench -- memory`.
 */
export function slimListenerTable(emitter: EventEmitter): void {
  const fields = emitter as { _events?: unknown; _eventsCount?: unknown }
  const { _events: table } = fields
  if (fields._eventsCount !== 0 || typeof table !== 'object' || table === null) return
  if (Object.getPrototypeOf(table) === null && Reflect.ownKeys(table).length === 0) fields._events = new Table()
}
