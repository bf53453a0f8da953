import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import type { RequestHead, ResponseHead } from '../../src/handshake/head.ts'
import { RequestHeadReader, ResponseHeadReader } from '../../src/handshake/head-reader.ts'
import { parseRequestHead, serializeRequestHead } from '../../src/handshake/request.ts'
import { cutAt } from '../support/chunkings.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { cuts, mutatedHead, stream } from './arbitraries.ts'
import { latin1, octets, outcome } from './heads.ts'

/** All that comes out of a reader, put so that it is the same for every cut. */
function readAll(reader: RequestHeadReader | ResponseHeadReader, chunks: readonly Uint8Array[]) {
  return outcome(() => {
    let head: RequestHead | ResponseHead | null = null
    const rest: Uint8Array[] = []
    for (const chunk of chunks) {
      if (head !== null) {
        rest.push(chunk)
        continue
      }
      head = reader.receive(chunk)
      if (head !== null) rest.push(reader.takeLeftover())
    }
    return { head: head && { ...head, fields: [...head.fields] }, rest: rest.map(latin1).join('') }
  })
}

const LIMITS = fc.constantFrom(
  {},
  { maxStartLineBytes: 30 },
  { maxHeadBytes: 100 },
  { maxHeadBytes: 20, maxStartLineBytes: 19 },
  { maxFieldLines: 2 },
)

describe('RequestHeadReader', () => {
  it('gives the same head, leftover or refusal however the stream is cut (S-H16) [6455-4.1-37]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(stream, cuts, LIMITS, (bytes, positions, limits) => {
        const whole = readAll(new RequestHeadReader(limits), [bytes])
        expect(readAll(new RequestHeadReader(limits), cutAt(bytes, positions))).toEqual(whole)
        expect(
          readAll(
            new RequestHeadReader(limits),
            Array.from(bytes, (octet) => Uint8Array.of(octet)),
          ),
        ).toEqual(whole)
      }),
      fcOptions(1500),
    )
  })

  it('throws nothing but HandshakeError with 400, 414 or 431, whatever it is fed [6455-10.7-1]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        try {
          new RequestHeadReader({ maxHeadBytes: 300 }).receive(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(HandshakeError)
          expect([400, 414, 431]).toContain((error as HandshakeError).httpStatus)
          expect((error as HandshakeError).message).toMatch(/^[\x20-\x7e]+ \([\w.-]+\)$/)
        }
      }),
      fcOptions(3000),
    )
  })

  it('reads what serializeRequestHead writes of a head it read', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(mutatedHead, (text) => {
        const head = outcome(() => parseRequestHead(octets(text)))
        if (!('method' in head)) return
        const again = parseRequestHead(serializeRequestHead(head))
        expect({ ...again, fields: [...again.fields] }).toEqual({ ...head, fields: [...head.fields] })
      }),
      fcOptions(1500),
    )
  })
})

describe('ResponseHeadReader', () => {
  const response = fc
    .tuple(
      fc.constantFrom('HTTP/1.1 101 Switching Protocols', 'HTTP/1.0 404', 'HTTP/1.1 101 ', 'HTTP/1.1 10'),
      mutatedHead,
    )
    .map(([line, text]) => octets(text.replace(/^(\r\n)?GET \S* HTTP\/1.1/, line)))

  it('gives the same head, leftover or failure however the stream is cut', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(fc.oneof(response, stream), cuts, LIMITS, (bytes, positions, limits) => {
        const whole = readAll(new ResponseHeadReader(limits), [bytes])
        expect(readAll(new ResponseHeadReader(limits), cutAt(bytes, positions))).toEqual(whole)
        if ('status' in whole) expect(whole.status).toBe(502)
      }),
      fcOptions(1500),
    )
  })
})
