import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { violations } from '../../src/frames/violation.ts'

/** What each rule must say, written down apart from the source: requirement and status code, RFC 6455 §7.4.1. */
const EXPECTED = {
  UnmaskedClientFrame: ['6455-5.1-2', 1002],
  MaskedServerFrame: ['6455-5.1-5', 1002],
  ReservedBit: ['6455-5.2-3', 1002],
  Rsv1OnControl: ['7692-6.1-4', 1002],
  Rsv1OnContinuation: ['7692-6.1-4', 1002],
  ReservedOpcode: ['6455-5.2-4', 1002],
  FragmentedControl: ['6455-5.4-2', 1002],
  LongControl: ['6455-5.5-1', 1002],
  OrphanContinuation: ['6455-5.4-14', 1002],
  InterleavedMessage: ['6455-5.4-4', 1002],
  LengthTopBit: ['6455-5.2-5', 1002],
  NonMinimalLength: ['6455-5.2-6', 1002],
  MessageTooBig: ['6455-10.4-2', 1009],
  TooManyFragments: ['6455-10.4-1', 1008],
  CorruptMessage: ['7692-7.2.2-11', 1007],
  DeflateMemoryExhausted: ['6455-10.4-1', 1013],
  InvalidUtf8: ['6455-8.1-1', 1007],
  InvalidUtf8Reason: ['6455-8.1-1', 1007],
  TruncatedStatusCode: ['6455-5.5.1-2', 1002],
  UnusedStatusCode: ['6455-7.4.2-1', 1002],
  ReservedStatusCode: ['6455-7.4.1-9', 1002],
  NoStatusOnWire: ['6455-7.4.1-3', 1002],
  AbnormalOnWire: ['6455-7.4.1-4', 1002],
  TlsHandshakeOnWire: ['6455-7.4.1-6', 1002],
  UnassignedStatusCode: ['6455-7.4.2-2', 1002],
  StatusCodeOutOfRange: ['6455-7.4.2-4', 1002],
}

const requirements = new Set(
  readFileSync(new URL('../../docs/rfc/requirements.tsv', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split('\t')[0]),
)

describe('violations', () => {
  it('says for every rule which requirement it is and which status code answers it (§7.1.7) [6455-7.1.7-5]', () => {
    const actual = Object.entries(violations).map(([name, { id, statusCode }]) => [name, [id, statusCode]])
    expect(Object.fromEntries(actual)).toEqual(EXPECTED)
  })

  it.each(Object.entries(violations))('%s names a row of docs/rfc/requirements.tsv', (_, { id }) => {
    expect(requirements).toContain(id)
  })

  it('has a message for each that differs from all others', () => {
    const messages = Object.values(violations).map(({ message }) => message)
    expect(new Set(messages).size).toBe(messages.length)
    for (const message of messages) expect(message.length).toBeGreaterThan(15)
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(violations)).toBe(true)
    for (const violation of Object.values(violations)) expect(Object.isFrozen(violation)).toBe(true)
  })
})
