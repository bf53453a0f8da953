import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { FieldList } from '../../src/handshake/field-list.ts'
import { parseResponseHead, serializeResponse, serializeResponseHead } from '../../src/handshake/response.ts'
import { latin1, octets, refusal } from './heads.ts'

describe('parseResponseHead', () => {
  it('parses a whole head and leaves what follows it alone', () => {
    expect(parseResponseHead(octets('HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nbody'))).toMatchObject({
      status: 404,
      reason: 'Not Found',
    })
  })

  it('fails with 502 when the empty line is missing [6455-4.1-44]', () => {
    expect(refusal(() => parseResponseHead(octets('HTTP/1.1 101 \r\n')))).toMatchObject({
      httpStatus: 502,
      requirement: '9112-2.1',
      message: expect.stringContaining('the response ends before the empty line after its head'),
    })
  })

  it('honours the limits it is given [6455-10.4-1]', () => {
    expect(refusal(() => parseResponseHead(octets('HTTP/1.1 101 \r\n'), { maxStartLineBytes: 5 })).httpStatus).toBe(502)
  })
})

describe('serializeResponseHead', () => {
  const head = { httpVersion: '1.1', status: 101, reason: 'Switching Protocols', fields: FieldList.from([['A', 'b']]) }

  it('writes what parseResponseHead reads', () => {
    expect(latin1(serializeResponseHead(head))).toBe('HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n')
    expect(parseResponseHead(serializeResponseHead({ ...head, reason: '' }))).toMatchObject({ status: 101, reason: '' })
  })

  it.each([
    { name: 'another version', change: { httpVersion: '2' }, message: 'HTTP version "2" is not 1.1' },
    {
      name: 'a status of two digits',
      change: { status: 99 },
      message: '99 is no status code; one is an integer from 100 to 999',
    },
    { name: 'a status of four digits', change: { status: 1000 }, message: '1000 is no status code' },
    { name: 'half a status', change: { status: 101.5 }, message: '101.5 is no status code' },
    { name: 'a reason with a line break', change: { reason: 'a\r\nB: c' }, message: 'cannot stand in a status-line' },
  ])('throws UsageError for $name (S-H20)', ({ change, message }) => {
    expect(() => serializeResponseHead({ ...head, ...change })).toThrow(UsageError)
    expect(() => serializeResponseHead({ ...head, ...change })).toThrow(message)
  })
})

describe('serializeResponse', () => {
  it('writes text as UTF-8 with its length in octets', () => {
    const bytes = serializeResponse(404, [['Content-Type', 'text/plain']], '\u00e9')
    expect(latin1(bytes)).toBe(
      'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n\xc3\xa9',
    )
  })

  it('writes octets as they are, and an empty reason for a status without one', () => {
    expect(latin1(serializeResponse(418, [], Uint8Array.of(0, 255)))).toBe(
      'HTTP/1.1 418 \r\nContent-Length: 2\r\n\r\n\0\xff',
    )
    expect(latin1(serializeResponse(200, []))).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })

  it.each([100, 999])('writes the status %i, the first or last that may be one', (status) => {
    const head = { httpVersion: '1.1', fields: FieldList.from([]) }
    expect(latin1(serializeResponseHead({ ...head, status, reason: '' }))).toMatch(`HTTP/1.1 ${status} \r\n`)
  })

  it.each([101, 204, 304])('writes no Content-Length with %i (RFC 9110 §8.6)', (status) => {
    expect(latin1(serializeResponse(status, [['A', 'b']]))).toMatch(/^HTTP\/1\.1 \d{3} [A-Za-z ]*\r\nA: b\r\n\r\n$/)
    expect(() => serializeResponse(status, [], 'body')).toThrow(UsageError)
    expect(() => serializeResponse(status, [], 'body')).toThrow(`a response with status ${status} has no body`)
  })

  it.each<{ name: string; status: number; fields: [string, string][] }>([
    { name: 'status 0', status: 0, fields: [] },
    { name: 'status NaN', status: Number.NaN, fields: [] },
    { name: 'a Content-Length of its own', status: 400, fields: [['content-length', '0']] },
    { name: 'a Transfer-Encoding', status: 400, fields: [['Transfer-Encoding', 'chunked']] },
    { name: 'a line break in a value', status: 400, fields: [['A', 'b\r\n\r\nc']] },
  ])('throws UsageError for $name (S-H20)', ({ status, fields }) => {
    expect(() => serializeResponse(status, fields)).toThrow(UsageError)
  })
})
