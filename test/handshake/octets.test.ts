import { describe, expect, it } from 'vitest'
import {
  classAt,
  decodeLatin1,
  encodeLatin1,
  isAll,
  OCTET_CLASS,
  OctetClass,
  octetName,
} from '../../src/handshake/octets.ts'

const ALL = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet))

function members(octetClass: number): string {
  return ALL.filter((_, octet) => (OCTET_CLASS[octet]! & octetClass) !== 0).join('')
}

describe('OCTET_CLASS', () => {
  const digits = '0123456789'
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const sorted = (text: string) => [...text].sort().join('')
  const visible = ALL.filter((char) => char > ' ' && char <= '~').join('')
  const obsText = ALL.filter((char) => char >= '\x80').join('')

  it.each([
    { name: 'Token', octetClass: OctetClass.Token, expected: `${digits}${letters}!#$%&'*+-.^_\`|~` },
    { name: 'FieldValue', octetClass: OctetClass.FieldValue, expected: `\t ${visible}${obsText}` },
    { name: 'Target', octetClass: OctetClass.Target, expected: visible.replace('#', '') },
    { name: 'Hex', octetClass: OctetClass.Hex, expected: `${digits}ABCDEFabcdef` },
    { name: 'Base64', octetClass: OctetClass.Base64, expected: `${digits}${letters}+/` },
  ])('has the characters of $name and no others', ({ octetClass, expected }) => {
    expect(members(octetClass)).toBe(sorted(expected))
  })
})

describe('classAt', () => {
  it('has no class for a character above U+00FF or past the end', () => {
    expect(classAt('a', 0)).toBe(OCTET_CLASS[0x61])
    expect(classAt('\u0161', 0)).toBe(0)
    expect(classAt('a', 1)).toBe(0)
  })
})

describe('isAll', () => {
  it.each([
    ['abc', true],
    ['', false],
    ['a b', false],
    ['ab ', false],
  ])('says of %j as a token: %s', (text, expected) => {
    expect(isAll(text, OctetClass.Token)).toBe(expected)
  })
})

describe('decodeLatin1', () => {
  const everyOctet = Uint8Array.from({ length: 10_000 }, (_, i) => i % 256)

  it('gives one character per octet, in as many steps as it takes', () => {
    expect(decodeLatin1(everyOctet, false)).toBe(ALL.join('').repeat(40).slice(0, 10_000))
  })

  it('gives the same for ASCII by the short way', () => {
    const ascii = everyOctet.map((octet) => octet & 0x7f)
    expect(decodeLatin1(ascii, true)).toBe(decodeLatin1(ascii, false))
  })

  it('is undone by encodeLatin1', () => {
    expect(encodeLatin1(decodeLatin1(everyOctet, false))).toEqual(everyOctet)
  })
})

describe('octetName', () => {
  it('has two hex digits', () => {
    expect([octetName(0), octetName(0xff)]).toEqual(['0x00', '0xff'])
  })
})
