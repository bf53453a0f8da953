import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import type { Role } from '../../src/frames/header.ts'
import { type Violation, violations } from '../../src/frames/violation.ts'
import type { ConnectionOptions } from '../../src/protocol/options.ts'
import { ReadyState, TransportIntent } from '../../src/protocol/state.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'

const ROLES = ['server', 'client'] as const

interface Fault {
  readonly rule: keyof typeof violations
  readonly bytes: (end: Endpoint) => Uint8Array
  /** The roles that can see it; default both. */
  readonly role?: Role
  readonly options?: Partial<ConnectionOptions>
  /** Requirements that it shows besides the one in the table of rules. */
  readonly more?: string
}

const closeBody = (statusCode: number, reason = ''): Uint8Array =>
  concat(Uint8Array.of(statusCode >>> 8, statusCode & 255), hex(reason))

/** One way to break each rule; see the tests of `frames/` for all the others. */
const FAULTS: readonly Fault[] = [
  { rule: 'UnmaskedClientFrame', role: 'server', bytes: (end) => end.peerFrame(0x1, 'x', { maskingKey: null }) },
  { rule: 'MaskedServerFrame', role: 'client', bytes: (end) => end.peerFrame(0x1, 'x', { maskingKey: [1, 2, 3, 4] }) },
  { rule: 'ReservedBit', more: ' [6455-5.8-1]', bytes: (end) => end.peerFrame(0x1, 'x', { rsv: 0b100 }) },
  { rule: 'ReservedOpcode', bytes: (end) => end.peerFrame(0xb) },
  { rule: 'FragmentedControl', more: ' [6455-5.5-2]', bytes: (end) => end.peerFrame(0x9, 'x', { fin: false }) },
  { rule: 'LongControl', bytes: (end) => end.peerFrame(0x9, new Uint8Array(126)) },
  { rule: 'OrphanContinuation', bytes: (end) => end.peerFrame(0x0, 'x') },
  {
    rule: 'InterleavedMessage',
    bytes: (end) => concat(end.peerFrame(0x1, 'x', { fin: false }), end.peerFrame(0x2, 'y')),
  },
  { rule: 'LengthTopBit', bytes: (end) => withLength(end, 'ff ff ff ff ff ff ff ff') },
  { rule: 'NonMinimalLength', bytes: (end) => end.peerFrame(0x1, 'x', { lengthBits: 16 }) },
  { rule: 'MessageTooBig', bytes: (end) => withLength(end, '00 00 00 00 7f ff ff ff') },
  {
    rule: 'TooManyFragments',
    options: { maxFragments: 1 },
    bytes: (end) => concat(end.peerFrame(0x1, 'x', { fin: false }), end.peerFrame(0x0, 'y')),
  },
  { rule: 'InvalidUtf8', bytes: (end) => end.peerFrame(0x1, hex('61 ff')) },
  { rule: 'InvalidUtf8Reason', bytes: (end) => end.peerFrame(0x8, closeBody(1000, 'ff')) },
  { rule: 'TruncatedStatusCode', bytes: (end) => end.peerFrame(0x8, hex('03')) },
  { rule: 'UnusedStatusCode', bytes: (end) => end.peerFrame(0x8, closeBody(999)) },
  { rule: 'ReservedStatusCode', bytes: (end) => end.peerFrame(0x8, closeBody(1004)) },
  { rule: 'NoStatusOnWire', bytes: (end) => end.peerFrame(0x8, closeBody(1005)) },
  { rule: 'AbnormalOnWire', bytes: (end) => end.peerFrame(0x8, closeBody(1006)) },
  { rule: 'TlsHandshakeOnWire', bytes: (end) => end.peerFrame(0x8, closeBody(1015)) },
  { rule: 'UnassignedStatusCode', bytes: (end) => end.peerFrame(0x8, closeBody(2999)) },
  { rule: 'StatusCodeOutOfRange', bytes: (end) => end.peerFrame(0x8, closeBody(5000)) },
]

/** A binary frame that announces a 64-bit length and carries what fits in the test. */
function withLength(end: Endpoint, length: string): Uint8Array {
  const frame = end.peerFrame(0x2, new Uint8Array(10), { lengthBits: 64 })
  frame.set(hex(length), 2)
  return frame
}

function expectFailed(end: Endpoint, rule: Violation): void {
  expect(end.connection.violation).toBe(rule)
  expect(end.connection.readyState).toBe(ReadyState.CLOSING)
  expect(end.connection.transportIntent).toBe(TransportIntent.HalfClose)
  expect(end.connection.closeCode).toBe(1006)
  expect(end.connection.closeReceived).toBe(false)
  expect(end.connection.bufferedInput).toBe(0)
  expect(end.connection.hasRetained).toBe(false)
}

const CASES = FAULTS.flatMap((fault) =>
  ROLES.filter((role) => fault.role === undefined || fault.role === role).map((role) => {
    return { ...fault, role, violation: violations[fault.rule], id: violations[fault.rule].id }
  }),
)

describe('a fault of the peer', () => {
  it('is tried for every rule that can be broken without an extension', () => {
    const tried = new Set<string>(FAULTS.map(({ rule }) => rule))
    expect(Object.keys(violations).filter((rule) => !tried.has(rule))).toEqual([
      'Rsv1OnControl',
      'Rsv1OnContinuation',
      'CorruptMessage',
      'DeflateMemoryExhausted',
    ])
  })

  it.each(CASES.map((row) => [row.rule, row.role, `[${row.id}]${row.more ?? ''}`, row] as const))(
    '%s fails a %s with a Close that names the rule, and nothing is read after it (§7.1.7) %s [6455-7.1.7-2] [6455-7.1.7-3] [6455-7.1.7-4] [6455-7.1.7-5] [6455-7.1.7-7] [6455-7.2.1-1]',
    (...[, , , row]) => {
      const { role, options = {}, violation } = row
      const model = new Endpoint(role)
      const stream = concat(
        model.peerFrame(0x1, 'good'),
        row.bytes(model),
        model.peerFrame(0x1, 'behind'),
        model.peerFrame(0x9, hex('01')),
        model.peerClose(1000),
      )
      for (const { name, chunks } of chunkings(stream.length < 200 ? stream : stream.subarray(0, 200))) {
        const end = new Endpoint(role, options)
        for (const chunk of chunks) end.connection.receive(chunk)
        expect(end.takeEvents(), name).toEqual(['text "good"', `failed ${violation.id}`])
        expect(end.takeSent(), name).toEqual([`close ${violation.statusCode} "${violation.id} ${violation.message}"`])
        expect(end.connection.sentCloseCode).toBe(violation.statusCode)
        expectFailed(end, violation)
      }
    },
  )

  it.each(ROLES)('is told to the listener of a %s once, when the Close is in the output already', (role) => {
    const end = new Endpoint(role)
    let pending = 0
    end.listener.onEvent = () => {
      pending = end.connection.pendingOutput
    }
    end.receive(end.peerFrame(0x3))
    expect(pending).toBeGreaterThan(0)
    expect(end.takeEvents()).toEqual(['failed 6455-5.2-4'])
  })

  it.each(ROLES)('ends a fragmented message of a %s: neither what was read nor what was sent of it counts', (role) => {
    const end = new Endpoint(role)
    end.connection.sendFragment('a', false, false)
    end.receive(end.peerFrame(0x1, 'begun', { fin: false }), end.peerFrame(0x3))
    expect(end.takeEvents()).toEqual(['failed 6455-5.2-4'])
    expect(end.takeSent()[1]).toMatch(/^close 1002 "6455-5\.2-4 /)
    expectFailed(end, violations.ReservedOpcode)
  })

  it.each(ROLES)('leaves what a %s said before in front of the Close', (role) => {
    const end = new Endpoint(role)
    end.connection.sendMessage('a')
    end.receive(end.peerFrame(0x9, hex('01')), end.peerFrame(0x3))
    expect(end.takeSent().map((frame) => frame.slice(0, 10))).toEqual(['text "a"', 'pong 01', 'close 1002'])
  })

  it('fails bad text at the first octet that cannot be right, inside a frame (§8.1) [6455-5.6-1]', () => {
    const server = new Endpoint('server')
    const frame = server.peerFrame(0x1, concat(hex('61 ff'), new Uint8Array(1000)))
    for (let at = 0; at < frame.length; at += 1) {
      server.connection.receive(frame.slice(at, at + 1))
      // Header of 8 bytes, the good octet, and the bad one.
      expect(server.connection.violation !== null).toBe(at >= 9)
    }
  })
})

describe('Connection.fail', () => {
  it.each(Object.entries(violations))('sends the code and the whole text of %s', (_, violation) => {
    const end = new Endpoint('server')
    end.connection.fail(violation)
    expect(end.takeSent()).toEqual([`close ${violation.statusCode} "${violation.id} ${violation.message}"`])
    expect(end.takeEvents()).toEqual([`failed ${violation.id}`])
    expectFailed(end, violation)
  })

  it.each(ROLES)('sends a %s no second Close (§5.5.1) [6455-5.5.1-6]', (role) => {
    const end = new Endpoint(role)
    end.connection.close(4000)
    end.connection.fail(violations.ReservedOpcode)
    expect(end.takeSent()).toEqual(['close 4000 ""'])
    expect(end.takeEvents()).toEqual(['failed 6455-5.2-4'])
    expect(end.connection.sentCloseCode).toBe(4000)
    expectFailed(end, violations.ReservedOpcode)
  })

  it.each(['fail', 'receiveEnd', 'transportClosed', 'close'] as const)(
    'does nothing after %s of the peer or of the transport',
    (first) => {
      const end = new Endpoint('server')
      if (first === 'fail') end.connection.fail(violations.LongControl)
      else if (first === 'close') end.receive(end.peerClose(1000))
      else end.connection[first]()
      const before = [end.connection.violation, end.connection.transportIntent, end.connection.readyState]
      end.takeBytes()
      end.takeEvents()
      end.connection.fail(violations.ReservedOpcode)
      expect([end.connection.violation, end.connection.transportIntent, end.connection.readyState]).toEqual(before)
      expect(end.takeEvents()).toEqual([])
      expect(end.takeSent()).toEqual([])
    },
  )

  it('takes a rule of the caller, and cuts its text to what a Close frame holds', () => {
    const end = new Endpoint('server')
    end.connection.fail({ id: 'app', statusCode: 1011, message: 'x'.repeat(200) })
    expect(end.takeSent()).toEqual([`close 1011 "app ${'x'.repeat(119)}"`])
  })

  it.each([
    { name: 'a code that may not be sent', violation: { id: 'app', statusCode: 1006, message: 'x' } },
    { name: 'text that does not fit', violation: { id: 'app', statusCode: 1011, message: '€'.repeat(60) } },
  ])('refuses $name before anything has changed', ({ violation }) => {
    const end = new Endpoint('server')
    expect(() => end.connection.fail(violation)).toThrow(UsageError)
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    expect(end.connection.violation).toBeNull()
    end.receive(end.peerFrame(0x1, 'still there'))
    expect(end.takeEvents()).toEqual(['text "still there"'])
  })

  it.each(ROLES)(
    'stops a %s inside the chunk that it is reading, when a listener calls it (§7.1.7) [6455-7.1.7-7]',
    (role) => {
      const end = new Endpoint(role)
      end.listener.onEvent = (event) => {
        if (event === 'text "b"') end.connection.fail({ id: 'app', statusCode: 1011, message: 'handler' })
      }
      end.receive(...['a', 'b', 'c'].map((text) => end.peerFrame(0x1, text)), end.peerClose(1000))
      expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'failed app'])
      expect(end.takeSent()).toEqual(['close 1011 "app handler"'])
    },
  )

  it('lets an application refuse a kind of data with 1003 (§7.4.1) [6455-7.4.1-2]', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = (event) => {
      if (event.startsWith('binary')) end.connection.fail({ id: 'app', statusCode: 1003, message: 'text only' })
    }
    end.receive(end.peerFrame(0x2, hex('01')), end.peerFrame(0x1, 'behind'))
    expect(end.takeEvents()).toEqual(['binary 01', 'failed app'])
    expect(end.takeSent()).toEqual(['close 1003 "app text only"'])
  })

  it('forgets what was retained, and the end behind it still comes', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    end.receive(end.peerFrame(0x1, 'retained'))
    end.connection.receiveEnd()
    end.connection.fail(violations.ReservedOpcode)
    expect(end.connection.bufferedInput).toBe(0)
    end.connection.resume()
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.takeEvents()).toEqual(['failed 6455-5.2-4'])
  })

  it('writes an ASCII reason, so that its length in bytes is its length', () => {
    for (const { id, message } of Object.values(violations)) {
      expect(toHex(new TextEncoder().encode(`${id} ${message}`)).split(' ').length).toBe(id.length + message.length + 1)
      expect(id.length + message.length + 1).toBeLessThanOrEqual(123)
    }
  })
})
