import type { Direction, HeadField } from './types.ts'

interface Known {
  readonly isRequired: boolean
  readonly ref: string
}

/** What the opening handshake knows of each field, RFC 6455 §4.2.1 and §4.1. */
const KNOWN: Readonly<Record<Direction, Readonly<Record<string, Known>>>> = {
  c2s: {
    host: { isRequired: true, ref: '6455-4.2.1' },
    upgrade: { isRequired: true, ref: '6455-4.2.1' },
    connection: { isRequired: true, ref: '6455-4.2.1' },
    'sec-websocket-key': { isRequired: true, ref: '6455-4.2.1' },
    'sec-websocket-version': { isRequired: true, ref: '6455-4.2.1' },
    origin: { isRequired: false, ref: '6455-10.2' },
    'sec-websocket-protocol': { isRequired: false, ref: '6455-11.3.4' },
    'sec-websocket-extensions': { isRequired: false, ref: '6455-9.1' },
    'content-length': { isRequired: false, ref: '9112-6.3' },
    'transfer-encoding': { isRequired: false, ref: '9112-6.1' },
  },
  s2c: {
    upgrade: { isRequired: true, ref: '6455-4.2.2' },
    connection: { isRequired: true, ref: '6455-4.2.2' },
    'sec-websocket-accept': { isRequired: true, ref: '6455-4.2.2' },
    'sec-websocket-protocol': { isRequired: false, ref: '6455-11.3.4' },
    'sec-websocket-extensions': { isRequired: false, ref: '6455-9.1' },
  },
}

/** Names of the fields that must be there, in lower case. */
export function requiredFields(direction: Direction): string[] {
  return Object.entries(KNOWN[direction]).flatMap(([name, { isRequired }]) => (isRequired ? [name] : []))
}

/** A field line, and what the handshake makes of it. */
export function describeField(
  direction: Direction,
  line: Pick<HeadField, 'name' | 'value' | 'at' | 'end'>,
  isBroken: boolean,
): HeadField {
  const name = line.name.toLowerCase()
  const table = KNOWN[direction]
  const known = Object.hasOwn(table, name) ? table[name] : undefined
  if (known === undefined) return { ...line, isRequired: false, state: 'ignored', textKey: 'field.other', ref: '' }
  const state = isBroken ? 'broken' : 'valid'
  return { ...line, isRequired: known.isRequired, state, textKey: `field.${name}`, ref: known.ref }
}
