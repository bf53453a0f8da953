import { describe, expect, it } from 'vitest'
import { ConnectionClosedError, quote } from '../src/errors.ts'

describe('quote', () => {
  it.each([
    ['a line end', 'a\nb', '"a\\nb"'],
    ['an escape sequence of a terminal', '\u001b[31mred', '"\\u001b[31mred"'],
    ['a control of C1', '\u009b31m', '"\\u009b31m"'],
    ['a quote', 'a"b', '"a\\"b"'],
    ['what turns the direction of text', '\u202egpj.exe\u2066\u061c', '"\\u202egpj.exe\\u2066\\u061c"'],
    ['what has no width', 'a\u200bb\ufeff\u2060', '"a\\u200bb\\ufeff\\u2060"'],
    ['half a surrogate pair', '\ud83d', '"\\ud83d"'],
  ])('escapes %s', (_, text, quoted) => {
    expect(quote(text)).toBe(quoted)
    expect(JSON.parse(quoted)).toBe(text)
  })

  it('leaves text of any language alone, and cuts what is long', () => {
    expect(quote('żółć 日本 😀')).toBe('"żółć 日本 😀"')
    expect(quote('x'.repeat(100), 3)).toBe('"xxx…"')
  })
})

describe('ConnectionClosedError', () => {
  it("quotes the peer's reason in its message, and has it as it came beside it", () => {
    const reason = 'bye\n\u001b[2J\u202e"'
    const error = new ConnectionClosedError(1000, reason)
    expect(error.message).toBe('the connection ended with 1000 "bye\\n\\u001b[2J\\u202e\\""')
    expect(error.closeReason).toBe(reason)
    expect(new ConnectionClosedError(1005, '').message).toBe('the connection ended with 1005')
    expect(new ConnectionClosedError(1000, 'x'.repeat(123)).message).toContain('x'.repeat(123))
  })
})
