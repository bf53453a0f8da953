import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { FieldList } from '../../src/handshake/field-list.ts'
import { parseRequestHead, requestHeadFrom, serializeRequestHead } from '../../src/handshake/request.ts'
import { BROWSER_HEAD, latin1, octets, refusal } from './heads.ts'

describe('parseRequestHead', () => {
  it('parses a whole head and leaves what follows it alone', () => {
    expect(parseRequestHead(octets(`${BROWSER_HEAD}\x81\x00`)).fields.size).toBe(12)
  })

  it.each(['', 'GET', BROWSER_HEAD.slice(0, -1)])(
    'refuses %j with 400: the empty line is missing [6455-4.2.1-1]',
    (text) => {
      expect(refusal(() => parseRequestHead(octets(text)))).toMatchObject({
        httpStatus: 400,
        requirement: '9112-2.1',
        message: expect.stringContaining('the request ends before the empty line after its head'),
      })
    },
  )

  it('honours the limits it is given [6455-10.4-1]', () => {
    expect(refusal(() => parseRequestHead(octets(BROWSER_HEAD), { maxFieldLines: 11 })).httpStatus).toBe(431)
    expect(() => parseRequestHead(octets(BROWSER_HEAD), { maxFieldLines: -1 })).toThrow(UsageError)
  })
})

describe('requestHeadFrom', () => {
  it('takes over what node:http has parsed', () => {
    const request = { method: 'GET', url: '/x', httpVersion: '1.0', rawHeaders: ['Host', 'a', 'host', 'b'] }
    const head = requestHeadFrom(request)
    expect(head).toMatchObject({ method: 'GET', target: '/x', httpVersion: '1.0' })
    expect(head.fields.getAll('host')).toEqual(['a', 'b'])
  })

  it.each([
    { name: 'method', request: { url: '/', httpVersion: '1.1', rawHeaders: [] } },
    { name: 'url', request: { method: 'GET', httpVersion: '1.1', rawHeaders: [] } },
  ])('throws UsageError when there is no $name', ({ request }) => {
    expect(() => requestHeadFrom(request)).toThrow(UsageError)
    expect(() => requestHeadFrom(request)).toThrow('a request has a method and a url; this one has not')
  })
})

describe('serializeRequestHead', () => {
  const head = { method: 'GET', target: '/', httpVersion: '1.1', fields: FieldList.from([['A', 'b\xe9']]) }

  it('writes what parseRequestHead reads', () => {
    expect(latin1(serializeRequestHead(head))).toBe('GET / HTTP/1.1\r\nA: b\xe9\r\n\r\n')
    expect(latin1(serializeRequestHead(parseRequestHead(octets(BROWSER_HEAD))))).toBe(BROWSER_HEAD)
  })

  it.each([
    { name: 'a method with a space', change: { method: 'GET /' }, message: 'method "GET /" is not a token' },
    { name: 'an empty target', change: { target: '' }, message: 'request-target "" is not visible ASCII without "#"' },
    { name: 'a target with a line break', change: { target: '/\r\nX: y' }, message: 'is not visible ASCII' },
    { name: 'another version', change: { httpVersion: '1.0' }, message: 'HTTP version "1.0" is not 1.1' },
    {
      name: 'a value with a line break',
      change: { fields: FieldList.from([['A', 'b\nc']]) },
      message: 'of A cannot stand in a field line',
    },
  ])('throws UsageError for $name (S-H20)', ({ change, message }) => {
    expect(() => serializeRequestHead({ ...head, ...change })).toThrow(UsageError)
    expect(() => serializeRequestHead({ ...head, ...change })).toThrow(message)
  })
})
