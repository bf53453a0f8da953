import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint, readFrames } from '../support/connection-pair.ts'

const LENGTHS = [0, 1, 125, 126, 508, 509, 510, 65_535, 65_536, 100_000]

/** As `toEqual`, which looks at each byte for itself. */
function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual).toHaveLength(expected.length)
  expect(Buffer.compare(actual ?? new Uint8Array(0), expected)).toBe(0)
}

describe('prepareMessage', () => {
  it.each(LENGTHS)('frames %i bytes once, with the shortest length (§5.2) [6455-5.2-6]', (length) => {
    const payload = new Uint8Array(length).fill(7)
    const { frame } = prepareMessage(payload)
    const [read, ...others] = readFrames(frame)
    expect(others).toEqual([])
    expect(read).toMatchObject({ fin: true, opcode: 2, maskingKey: null })
    expectBytes(read?.payload, payload)
  })

  it('frames a string as text in UTF-8 (§5.6) [6455-5.6-1]', () => {
    const message = prepareMessage('grüße 🎈')
    expect(message.isBinary).toBe(false)
    expect(readFrames(message.frame)[0]).toMatchObject({ opcode: 1, payload: new TextEncoder().encode('grüße 🎈') })
  })

  it.each([
    { data: 'a', binary: true, opcode: 2 },
    { data: Uint8Array.of(0x61), binary: false, opcode: 1 },
  ])('takes the type from the option: binary $binary', ({ data, binary, opcode }) => {
    const message = prepareMessage(data, { binary })
    expect(readFrames(message.frame)[0]).toMatchObject({ opcode, payload: Uint8Array.of(0x61) })
  })

  it('copies: what the caller does with the bytes afterwards changes nothing', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const { payload } = prepareMessage(bytes)
    bytes.fill(9)
    expect([...payload]).toEqual([1, 2, 3])
  })

  it('takes any bytes as binary, and judges text alone (§5.6) [6455-5.6-1]', () => {
    const bytes = Uint8Array.of(0xff, 0xfe)
    for (const options of [{}, { binary: true }]) expect(prepareMessage(bytes, options).payload).toEqual(bytes)
    // A lone surrogate is no UTF-8 either, but a string can only come out as UTF-8.
    expect(prepareMessage('\ud800').payload).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd))
  })

  it('refuses text that is not UTF-8, and what is no message (§5.6) [6455-5.6-1]', () => {
    expect(() => prepareMessage(Uint8Array.of(0xff), { binary: false })).toThrow(UsageError)
    expect(() => prepareMessage(Uint8Array.of(0xff), { binary: false })).toThrow('not valid UTF-8 (6455-5.6-1)')
    expect(() => prepareMessage(7 as unknown as string)).toThrow('neither a string nor a Uint8Array')
  })
})

describe('Connection.sendMessage with a prepared message', () => {
  it.each(LENGTHS)('writes the prepared bytes of a server, %i long, from where they lie', (length) => {
    const message = prepareMessage(new Uint8Array(length).fill(7))
    const { connection } = new Endpoint('server')
    connection.sendMessage(message)
    expect(connection.pendingOutput).toBe(message.frame.length)
    expect(connection.hasBorrowedOutput).toBe(false)
    const chunks = connection.takeOutput()
    expectBytes(concat(...chunks), message.frame)
    expect(chunks).toEqual([message.frame])
    expect(chunks[0]).toBe(message.frame)
  })

  it.each(LENGTHS)('masks %i bytes of a client with a fresh key for each copy (§5.3) [6455-5.3-2]', (length) => {
    const message = prepareMessage(new Uint8Array(length).fill(7))
    const endpoint = new Endpoint('client')
    endpoint.connection.sendMessage(message)
    endpoint.connection.sendMessage(message)
    const frames = readFrames(endpoint.takeBytes())
    expect(frames.map(({ fin, opcode }) => ({ fin, opcode }))).toEqual(Array(2).fill({ fin: true, opcode: 2 }))
    for (const { payload } of frames) expectBytes(payload, message.payload)
    expect(frames[0]?.maskingKey).not.toEqual(frames[1]?.maskingKey)
    expect(message.payload.every((octet) => octet === 7)).toBe(true)
  })

  it('stands in line with other frames', () => {
    const endpoint = new Endpoint('server')
    endpoint.connection.sendMessage('a')
    endpoint.connection.sendMessage(prepareMessage('b'))
    endpoint.connection.sendMessage(prepareMessage('c'.repeat(600)))
    endpoint.connection.sendMessage('d')
    expect(readFrames(endpoint.takeBytes()).map(({ payload }) => String.fromCharCode(payload[0]!))).toEqual([...'abcd'])
  })

  it('is refused inside a fragmented message (§5.4) [6455-5.4-4]', () => {
    const { connection } = new Endpoint('server')
    connection.sendFragment('a', false, false)
    expect(() => connection.sendMessage(prepareMessage('b'))).toThrow(UsageError)
  })
})
