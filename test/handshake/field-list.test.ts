import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { FieldList, isFieldValue, refuseReserved, serializeFields } from '../../src/handshake/field-list.ts'

describe('FieldList', () => {
  const raw = ['Host', 'a', 'X-List', 'one', '__proto__', 'p', 'x-LIST', 'two', 'Empty', '']
  const fields = FieldList.fromRaw(raw)

  it('compares names without case [6455-4.2.1-13]', () => {
    expect(fields.get('HOST')).toBe('a')
    expect(fields.has('x-list')).toBe(true)
    expect(fields.count('X-LiSt')).toBe(2)
  })

  it('keeps repeated lines apart and joins them on request [6455-9.1-3]', () => {
    expect(fields.getAll('x-list')).toEqual(['one', 'two'])
    expect(fields.get('x-list')).toBe('one, two')
    expect(fields.size).toBe(5)
  })

  it('tells an empty value from an absent field', () => {
    expect(fields.get('empty')).toBe('')
    expect(fields.get('absent')).toBeUndefined()
    expect(fields.getAll('absent')).toEqual([])
    expect(fields.count('absent')).toBe(0)
    expect(fields.has('absent')).toBe(false)
  })

  it('gives the lines in order with their names as they were sent', () => {
    expect([...fields].flat()).toEqual(raw)
    expect([...FieldList.from([...fields])].flat()).toEqual(raw)
  })

  it.each(Object.getOwnPropertyNames(Object.prototype))('has %s only when it was sent (S-H04, S-H05)', (name) => {
    expect(FieldList.fromRaw([]).get(name)).toBeUndefined()
    expect(FieldList.fromRaw([]).has(name)).toBe(false)
    expect(FieldList.fromRaw([name, 'v']).get(name.toUpperCase())).toBe('v')
  })

  it('throws UsageError when a name has no value', () => {
    expect(() => FieldList.fromRaw(['Host'])).toThrow(UsageError)
    expect(() => FieldList.fromRaw(['Host'])).toThrow('rawHeaders ends with a name that has no value')
  })
})

describe('isFieldValue', () => {
  it.each([
    { name: 'empty', value: '', expected: true },
    { name: 'inner whitespace', value: 'a \t b', expected: true },
    { name: 'obs-text', value: 'caf\xe9', expected: true },
    { name: 'leading space', value: ' a', expected: false },
    { name: 'trailing tab', value: 'a\t', expected: false },
    { name: 'only a space', value: ' ', expected: false },
    { name: 'CR', value: 'a\rb', expected: false },
    { name: 'LF', value: 'a\nb', expected: false },
    { name: 'NUL', value: 'a\0b', expected: false },
    { name: 'DEL', value: '\x7f', expected: false },
    { name: 'above U+00FF', value: '\u010d\u010a', expected: false },
  ])('says of $name: $expected', ({ value, expected }) => {
    expect(isFieldValue(value)).toBe(expected)
  })
})

describe('serializeFields', () => {
  it('writes one line per field', () => {
    expect(
      serializeFields([
        ['A', 'b'],
        ['C', ''],
      ]),
    ).toBe('A: b\r\nC: \r\n')
  })

  it.each([
    ['', 'v'],
    ['a b', 'v'],
    ['a:', 'v'],
    ['a\r\nSet-Cookie', 'v'],
    ['\u0161', 'v'],
    ['a', 'v\r\nSet-Cookie: x'],
    ['a', 'v\n'],
  ])('throws UsageError for %j: %j (S-H20)', (name, value) => {
    expect(() => serializeFields([[name, value]])).toThrow(UsageError)
  })

  it('says which name or value it refuses', () => {
    expect(() => serializeFields([['a b', 'v']])).toThrow('field name "a b" is not a token')
    expect(() => serializeFields([['a', 'v ']])).toThrow('the value "v " of a cannot stand in a field line')
  })
})

describe('refuseReserved', () => {
  const reserved = new Set(['upgrade'])

  it('throws UsageError for a reserved name in any case', () => {
    expect(() => refuseReserved([['UPGRADE', 'x']], reserved)).toThrow(UsageError)
    expect(() => refuseReserved([['UPGRADE', 'x']], reserved)).toThrow(
      'UPGRADE is written by the handshake; it cannot be added',
    )
  })

  it('lets the others pass', () => {
    expect(() => refuseReserved([['upgrade-insecure-requests', '1']], reserved)).not.toThrow()
  })
})
