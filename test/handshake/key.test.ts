import { describe, expect, it } from 'vitest'
import { acceptKey, generateKey } from '../../src/handshake/key.ts'
import { isKey } from '../../src/handshake/key-syntax.ts'
import { SAMPLE_ACCEPT, SAMPLE_KEY } from './heads.ts'

describe('acceptKey', () => {
  it('answers the sample key of the RFC (§4.2.2) [6455-4.2.2-17]', () => {
    expect(acceptKey(SAMPLE_KEY)).toBe(SAMPLE_ACCEPT)
  })

  it('uses the key as it was sent: other pad bits, other answer (erratum 3150) [6455-4.2.2-17]', () => {
    expect(acceptKey('AQIDBAUGBwgJCgsMDQ4PEC==')).not.toBe(acceptKey('AQIDBAUGBwgJCgsMDQ4PEA=='))
  })
})

describe('generateKey', () => {
  it('makes base64 of 16 octets, another one each time (§4.1) [6455-4.1-27] [6455-4.1-28]', () => {
    const keys = Array.from({ length: 100 }, generateKey)
    expect(keys.every(isKey)).toBe(true)
    expect(keys.every((key) => atob(key).length === 16)).toBe(true)
    expect(new Set(keys).size).toBe(100)
  })
})

describe('isKey', () => {
  it.each([
    { name: 'the sample key', key: SAMPLE_KEY, expected: true },
    { name: 'the whole alphabet', key: '+/azAZ0189azAZ0189azAA==', expected: true },
    { name: 'non-canonical pad bits (erratum 3150)', key: 'AQIDBAUGBwgJCgsMDQ4PEC==', expected: true },
    { name: 'all pad bits set', key: '//////////////////////==', expected: true },
    { name: 'nothing', key: '', expected: false },
    { name: '15 octets', key: 'AAAAAAAAAAAAAAAAAAAA', expected: false },
    { name: '17 octets', key: 'AAAAAAAAAAAAAAAAAAAAAAA=', expected: false },
    { name: '18 octets', key: 'AAAAAAAAAAAAAAAAAAAAAAAA', expected: false },
    { name: 'no padding', key: 'AAAAAAAAAAAAAAAAAAAAAA', expected: false },
    { name: 'half the padding', key: 'AAAAAAAAAAAAAAAAAAAAAA=', expected: false },
    { name: 'too much padding', key: 'AAAAAAAAAAAAAAAAAAAAA===', expected: false },
    { name: 'the URL alphabet', key: '-_AAAAAAAAAAAAAAAAAAAA==', expected: false },
    { name: 'a space', key: 'AAAAAAAAAA AAAAAAAAAAA==', expected: false },
    { name: 'obs-text', key: 'AAAAAAAAAA\xffAAAAAAAAAAA==', expected: false },
    { name: 'two keys joined', key: `${SAMPLE_KEY}, ${SAMPLE_KEY}`, expected: false },
  ])('says of $name: $expected (§4.2.1) [6455-4.2.1-8]', ({ key, expected }) => {
    expect(isKey(key)).toBe(expected)
  })
})
