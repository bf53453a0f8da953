import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import {
  type ExtensionOffer,
  formatExtensions,
  isToken,
  parseExtensions,
  parseSubprotocols,
  parseTokenList,
} from '../../src/handshake/grammar.ts'
import { refusal } from './heads.ts'

const PROTOTYPE_NAMES = Object.getOwnPropertyNames(Object.prototype)

describe('parseExtensions', () => {
  it.each<{ value: string; expected: ExtensionOffer[] }>([
    { value: 'foo', expected: [{ name: 'foo', params: [] }] },
    {
      value: 'foo, bar; baz=2',
      expected: [
        { name: 'foo', params: [] },
        { name: 'bar', params: [['baz', '2']] },
      ],
    },
    {
      value: 'mux; max-channels=4; flow-control,\tdeflate-stream',
      expected: [
        {
          name: 'mux',
          params: [
            ['max-channels', '4'],
            ['flow-control', true],
          ],
        },
        { name: 'deflate-stream', params: [] },
      ],
    },
    {
      value: ' \ta ; b = "1\\0" ,a ',
      expected: [
        { name: 'a', params: [['b', '10']] },
        { name: 'a', params: [] },
      ],
    },
    { value: 'a;b="x"', expected: [{ name: 'a', params: [['b', 'x']] }] },
    {
      value: 'a;b=1;b=2',
      expected: [
        {
          name: 'a',
          params: [
            ['b', '1'],
            ['b', '2'],
          ],
        },
      ],
    },
    {
      value: 'A,a',
      expected: [
        { name: 'A', params: [] },
        { name: 'a', params: [] },
      ],
    },
  ])('parses $value (§9.1) [6455-9.1-3] [6455-4.3-1]', ({ value, expected }) => {
    expect(parseExtensions(value)).toEqual(expected)
  })

  it.each([
    '',
    ' ',
    ',',
    'a,',
    ',a',
    'a,,b',
    ';a',
    'a;',
    'permessage-deflate;',
    'a;;b',
    'a;=1',
    'a;b=',
    'a;b=,c',
    'a b',
    'a;b c',
    'a=b',
    'a;b=1 2',
    'a;b="',
    'a;b="c',
    'a;b="c\\',
    'a;b="c\\"',
    'a;b=c"d"',
    'a;b="c"d',
    'a/b',
    'a;b=\xe9',
    '\x80\xff',
    '\u0161',
    'a\0',
  ])('refuses %j with 400 (§9.1, S-H10) [6455-9.1-1]', (value) => {
    const refused = refusal(() => parseExtensions(value))
    expect(refused).toMatchObject({ httpStatus: 400, requirement: '6455-9.1-1' })
    expect(refused.message).toContain('; that is no extension-list')
  })

  it.each(['a;b=""', 'a;b="c d"', 'a;b=" c"', 'a;b="c "', 'a;b="\\ "', 'a;b="\\""', 'a;b="c,d"', 'a;b="\xe9"'])(
    'refuses %j: unquoted it is no token (§4.3, §9.1) [6455-4.3-1] [6455-9.1-2]',
    (value) => {
      expect(refusal(() => parseExtensions(value))).toMatchObject({ httpStatus: 400, requirement: '6455-9.1-1' })
    },
  )

  it('carries the status it is told', () => {
    expect(refusal(() => parseExtensions(',', 101)).httpStatus).toBe(101)
  })

  it.each(PROTOTYPE_NAMES)('takes %s as an ordinary name (S-H04)', (name) => {
    expect(parseExtensions(`${name}; ${name}; ${name}=${name}`)).toEqual([
      {
        name,
        params: [
          [name, true],
          [name, name],
        ],
      },
    ])
  })
})

describe('formatExtensions', () => {
  it('writes what parseExtensions reads [6455-9.1-9]', () => {
    const value = 'permessage-deflate; server_max_window_bits=10; client_no_context_takeover, foo'
    expect(formatExtensions(parseExtensions(value))).toBe(value)
  })

  it.each<{ name: string; extensions: ExtensionOffer[] }>([
    { name: 'an empty list', extensions: [] },
    { name: 'an empty name', extensions: [{ name: '', params: [] }] },
    { name: 'a line break in a name', extensions: [{ name: 'a\r\nb', params: [] }] },
    { name: 'a parameter name with a space', extensions: [{ name: 'a', params: [['b c', true]] }] },
    { name: 'an empty value', extensions: [{ name: 'a', params: [['b', '']] }] },
    { name: 'a value with a quote', extensions: [{ name: 'a', params: [['b', '"']] }] },
  ])('throws UsageError for $name (S-H20)', ({ extensions }) => {
    expect(() => formatExtensions(extensions)).toThrow(UsageError)
    expect(() => formatExtensions(extensions)).toThrow(
      extensions.length === 0 ? 'an extension-list has at least one extension' : 'is not a token; extensions are made',
    )
  })
})

describe('parseSubprotocols', () => {
  it.each([
    { value: 'chat', expected: ['chat'] },
    { value: 'chat, superchat', expected: ['chat', 'superchat'] },
    { value: ' a\t,b ,  c ', expected: ['a', 'b', 'c'] },
    { value: 'chat, Chat', expected: ['chat', 'Chat'] },
    { value: PROTOTYPE_NAMES.join(','), expected: PROTOTYPE_NAMES },
  ])('parses $value in order (§4.2.1) [6455-11.3.4-1]', ({ value, expected }) => {
    expect(parseSubprotocols(value)).toEqual(expected)
  })

  it.each(['', ' ', ',', 'a,', ',a', 'a,,b', 'a, ,b', 'a b', 'a;b', 'a/b', '"a"', 'a:b', '\x80\xff', '\u0161', 'a\0'])(
    'refuses %j with 400 (§4.1, S-H10) [6455-4.1-33]',
    (value) => {
      const refused = refusal(() => parseSubprotocols(value))
      expect(refused).toMatchObject({ httpStatus: 400, requirement: '6455-4.1-33' })
      expect(refused.message).toContain('; that is no list of tokens')
    },
  )

  it('refuses a repeated one with 400 (§4.1) [6455-4.1-34]', () => {
    expect(refusal(() => parseSubprotocols('chat, b, chat'))).toMatchObject({
      httpStatus: 400,
      requirement: '6455-4.1-34',
      message: expect.stringContaining('Sec-WebSocket-Protocol is "chat, b, chat"; each may be listed once'),
    })
  })
})

describe('parseTokenList', () => {
  it.each([
    { value: 'Upgrade', versioned: false, expected: ['upgrade'] },
    { value: 'keep-alive, Upgrade', versioned: false, expected: ['keep-alive', 'upgrade'] },
    { value: ', a ,, b,', versioned: false, expected: ['a', 'b'] },
    { value: '', versioned: false, expected: [] },
    { value: 'a b', versioned: false, expected: null },
    { value: '"upgrade"', versioned: false, expected: null },
    { value: 'a/1', versioned: false, expected: null },
    { value: 'a/1', versioned: true, expected: ['a/1'] },
    { value: 'HTTP/2.0, WebSocket', versioned: true, expected: ['http/2.0', 'websocket'] },
    { value: 'a/', versioned: true, expected: null },
    { value: '/1', versioned: true, expected: null },
    { value: 'a/1/2', versioned: true, expected: null },
  ])('reads $value (RFC 9110 §5.6.1) [6455-4.2.1-7]', ({ value, versioned, expected }) => {
    expect(parseTokenList(value, versioned)).toEqual(expected)
  })
})

describe('isToken', () => {
  it.each([
    ['permessage-deflate', true],
    ['', false],
    ['a b', false],
  ])('says of %j: %s', (text, expected) => {
    expect(isToken(text)).toBe(expected)
  })
})
