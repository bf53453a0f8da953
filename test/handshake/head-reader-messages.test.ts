import { describe, expect, it } from 'vitest'
import { RequestHeadReader, ResponseHeadReader } from '../../src/handshake/head-reader.ts'
import { BROWSER_HEAD, head, octets, refusal } from './heads.ts'

describe('what is said of a request-line', () => {
  it.each([
    { line: ' ', says: 'a request begins with 0x20; a method is a token' },
    { line: '\rG', says: '0x47 follows a CR; only LF may' },
    { line: 'GE/', says: '0x2f in the method; a method is a token' },
    { line: 'GET *', says: 'the request-target begins with 0x2a; it is a path or an absolute http(s) URI' },
    {
      line: 'GET hxxp://host/ ',
      says: 'the request-target is "hxxp://host/"; it is a path or an absolute http(s) URI',
    },
    { line: 'GET /\r', says: 'a request-line without a version; HTTP/0.9 cannot be upgraded' },
    { line: 'GET /\n', says: 'a request-line without a version; HTTP/0.9 cannot be upgraded' },
    { line: 'GET /#', says: '0x23 in the request-target; visible ASCII without "#" is allowed' },
    { line: 'GET / h', says: '0x68 where "HTTP/1.1" is expected; no other version can be upgraded' },
    { line: 'GET / HTTP/1.10', says: '0x30 ends the request-line; CRLF does' },
    { line: 'GET / HTTP/1.1\rH', says: '0x48 follows a CR; only LF may' },
  ])('names the octet in $line: $says (RFC 9112 §3) [6455-4.2.1-1]', ({ line, says }) => {
    expect(refusal(() => new RequestHeadReader().receive(octets(line))).message).toContain(says)
  })

  it('names its limit [6455-10.4-1]', () => {
    const reader = new RequestHeadReader({ maxStartLineBytes: 20 })
    expect(refusal(() => reader.receive(octets('GET /abcdefghijklmnop'))).message).toContain(
      'the request-line is longer than 20 octets',
    )
  })
})

describe('what is said of a status-line', () => {
  it.each([
    { line: 'S', says: '0x53 where "HTTP/1.1 " is expected' },
    { line: 'HTTP/1.1 0', says: '0x30 in the status code; it has three digits from 100 on' },
    { line: 'HTTP/1.1 1010', says: '0x30 after the status code; a space follows it' },
    { line: 'HTTP/1.1 101 a\0', says: '0x00 in the reason phrase' },
    { line: 'HTTP/1.1 101 a\rb', says: '0x62 follows a CR; only LF may' },
  ])('names the octet in $line: $says (RFC 9112 §4) [6455-4.1-44]', ({ line, says }) => {
    const refused = refusal(() => new ResponseHeadReader().receive(octets(line)))
    expect(refused).toMatchObject({ httpStatus: 502, requirement: '9112-4' })
    expect(refused.message).toContain(says)
  })

  it('names its limit [6455-10.4-1]', () => {
    const reader = new ResponseHeadReader({ maxStartLineBytes: 20 })
    expect(refusal(() => reader.receive(octets('HTTP/1.1 101 abcdefghijklm'))).message).toContain(
      'the status-line is longer than 20 octets',
    )
  })
})

describe('what our caller is told', () => {
  it('is that a head which was read is not read on', () => {
    const reader = new RequestHeadReader()
    reader.receive(octets(BROWSER_HEAD))
    expect(() => reader.receive(octets('x'))).toThrow(
      'the head is complete; what follows it belongs to the next protocol',
    )
  })

  it('is the text of the head as it was sent, once it is there', () => {
    const reader = new RequestHeadReader()
    const text = head('GET / HTTP/1.1', ['A: \xe9'])
    reader.receive(octets(text.slice(0, 9)))
    expect(reader.text).toBe('')
    reader.receive(octets(`${text.slice(9)}behind`))
    expect(reader.text).toBe(text)
  })
})
