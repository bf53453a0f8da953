import { quote, UsageError } from '../errors.ts'
import type { RequestFields, RequestFieldValue } from '../socket/client-options.ts'

/** Header fields that an application gave: names as they were written, and values that can be sent. */
export type FieldPairs = ReadonlyArray<readonly [name: string, value: RequestFieldValue]>

/** Fields that are for the place they were set for, and for no other: RFC 9110 §15.4. */
const FOR_ONE_PLACE: ReadonlySet<string> = new Set(['authorization', 'cookie', 'host', 'proxy-authorization'])

/**
 * The option `headers` as a list; undefined stands for no field.
 *
 * @throws UsageError when it is neither an object nor a list of pairs, or a field cannot be sent
 */
export function requestFields(given: RequestFields | undefined): FieldPairs {
  if (given === undefined) return []
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(`option headers is ${given === null ? 'null' : `of type ${typeof given}`}; give an object`)
  }
  const pairs: Iterable<readonly unknown[]> = isIterable(given)
    ? given
    : Object.entries(given).filter(([, value]) => value !== undefined)
  return Array.from(pairs, (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new UsageError('option headers is a list; each of its members must be a name and a value')
    }
    const [name, value] = pair as [unknown, unknown]
    return checkField(name, value)
  })
}

/** What is left of the fields when a request goes to another place. */
export function fieldsForRedirect(fields: FieldPairs): FieldPairs {
  return fields.filter(([name]) => !FOR_ONE_PLACE.has(name.toLowerCase()))
}

/**
 * A field that the application gave.
 *
 * @throws UsageError when the name is no string, or the value neither a string, a number, nor a list of them
 */
export function checkField(name: unknown, value: unknown): readonly [string, RequestFieldValue] {
  if (typeof name !== 'string') throw new UsageError(`a field name is of type ${typeof name}; it must be a string`)
  for (const one of Array.isArray(value) ? value : [value]) {
    if (typeof one === 'string' || typeof one === 'number') continue
    const found = one === null ? 'null' : `of type ${typeof one}`
    throw new UsageError(`the value of the field ${quote(name)} is ${found}; it must be a string, a number or a list`)
  }
  return [name, value as RequestFieldValue]
}

function isIterable(fields: RequestFields): fields is Iterable<readonly [string, RequestFieldValue]> {
  return Symbol.iterator in fields
}
