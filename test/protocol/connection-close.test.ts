import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import type { Connection } from '../../src/protocol/connection.ts'
import { ReadyState, TransportIntent } from '../../src/protocol/state.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { ConnectionPair, Endpoint } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'

const ROLES = ['server', 'client'] as const

/** Where the connection stands, in one line: state, intent, the Connection Close Code and Reason, the code we sent. */
function where(connection: Connection): string {
  const { closeCode, closeReason, sentCloseCode } = connection
  return [
    nameOf(ReadyState, connection.readyState),
    nameOf(TransportIntent, connection.transportIntent),
    `${closeCode}${closeReason === '' ? '' : ` ${closeReason}`}`,
    `sent ${sentCloseCode}`,
  ].join(', ')
}

function nameOf(values: Readonly<Record<string, number>>, value: number): string | undefined {
  return Object.keys(values).find((name) => values[name] === value)
}

type Step = (end: Endpoint) => void

const STEPS = {
  'we close': (end) => end.connection.close(4001, 'we'),
  'the peer closes': (end) => end.receive(end.peerClose(4002, 'peer')),
  'the peer closes without a code': (end) => end.receive(end.peerClose()),
  'the peer breaks a rule': (end) => end.receive(end.peerFrame(0x3)),
  'the peer ends': (end) => end.connection.receiveEnd(),
  'the transport closes': (end) => end.connection.transportClosed(),
} satisfies Record<string, Step>

const FAULT = '6455-5.2-4 reserved opcode; only 0, 1, 2, 8, 9 and A are defined'

/** Each row is a sequence of steps; after each step: what was sent, and where server and client stand. */
interface Story {
  readonly steps: readonly {
    readonly step: keyof typeof STEPS
    readonly sent: readonly string[]
    readonly server: string
    /** Where the client stands, when that differs: only the server ends the transport when both Closes are through. */
    readonly client?: string
  }[]
}

const STORIES: Readonly<Record<string, Story>> = {
  'we close first [6455-7.1.2-1] [6455-7.1.3-1] [6455-5.5.1-10]': {
    steps: [
      { step: 'we close', sent: ['close 4001 "we"'], server: 'CLOSING, ExpectClose, 1006, sent 4001' },
      {
        step: 'the peer closes',
        sent: [],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4001',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4001',
      },
      { step: 'the peer ends', sent: [], server: 'CLOSED, HalfClose, 4002 peer, sent 4001' },
      { step: 'the transport closes', sent: [], server: 'CLOSED, HalfClose, 4002 peer, sent 4001' },
    ],
  },
  'the peer closes first [6455-5.5.1-7] [6455-5.5.1-11] [6455-5.5.1-12] [6455-7.1.1-3] [6455-7.1.1-6]': {
    steps: [
      {
        step: 'the peer closes',
        sent: ['close 4002 ""'],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4002',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4002',
      },
      {
        step: 'we close',
        sent: [],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4002',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4002',
      },
      { step: 'the peer ends', sent: [], server: 'CLOSED, HalfClose, 4002 peer, sent 4002' },
    ],
  },
  'the peer closes without a status code [6455-5.5.1-1] [6455-7.1.5-2] [6455-7.1.6-1]': {
    steps: [
      {
        step: 'the peer closes without a code',
        sent: ['close'],
        server: 'CLOSING, HalfClose, 1005, sent 1005',
        client: 'CLOSING, ExpectClose, 1005, sent 1005',
      },
      {
        step: 'the transport closes',
        sent: [],
        server: 'CLOSED, HalfClose, 1005, sent 1005',
        client: 'CLOSED, ExpectClose, 1005, sent 1005',
      },
    ],
  },
  'the peer closes and then sends on, even another Close [6455-7.1.5-1] [6455-7.1.1-1]': {
    steps: [
      {
        step: 'the peer closes',
        sent: ['close 4002 ""'],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4002',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4002',
      },
      {
        step: 'the peer closes without a code',
        sent: [],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4002',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4002',
      },
      {
        step: 'the peer breaks a rule',
        sent: [],
        server: 'CLOSING, HalfClose, 4002 peer, sent 4002',
        client: 'CLOSING, ExpectClose, 4002 peer, sent 4002',
      },
    ],
  },
  'the peer ends without a Close [6455-7.1.5-3] [6455-7.2.1-2]': {
    steps: [
      { step: 'the peer ends', sent: [], server: 'CLOSED, HalfClose, 1006, sent 0' },
      { step: 'we close', sent: [], server: 'CLOSED, HalfClose, 1006, sent 0' },
      { step: 'the peer closes', sent: [], server: 'CLOSED, HalfClose, 1006, sent 0' },
    ],
  },
  'the peer ends instead of answering our Close [6455-7.1.5-3]': {
    steps: [
      { step: 'we close', sent: ['close 4001 "we"'], server: 'CLOSING, ExpectClose, 1006, sent 4001' },
      { step: 'the peer ends', sent: [], server: 'CLOSED, HalfClose, 1006, sent 4001' },
      { step: 'the peer closes', sent: [], server: 'CLOSED, HalfClose, 1006, sent 4001' },
    ],
  },
  'the transport is lost, or given up under attack [6455-7.1.5-3] [6455-7.1.1-2]': {
    steps: [
      { step: 'the transport closes', sent: [], server: 'CLOSED, None, 1006, sent 0' },
      { step: 'the peer closes', sent: [], server: 'CLOSED, None, 1006, sent 0' },
      { step: 'the peer breaks a rule', sent: [], server: 'CLOSED, None, 1006, sent 0' },
      { step: 'we close', sent: [], server: 'CLOSED, None, 1006, sent 0' },
    ],
  },
  'the transport is lost during the closing handshake [6455-7.1.5-3]': {
    steps: [
      { step: 'we close', sent: ['close 4001 "we"'], server: 'CLOSING, ExpectClose, 1006, sent 4001' },
      { step: 'the transport closes', sent: [], server: 'CLOSED, ExpectClose, 1006, sent 4001' },
      { step: 'the peer closes', sent: [], server: 'CLOSED, ExpectClose, 1006, sent 4001' },
    ],
  },
  'the peer breaks a rule, then closes [6455-7.1.7-1] [6455-7.1.7-3] [6455-7.1.7-5] [6455-7.1.7-7]': {
    steps: [
      {
        step: 'the peer breaks a rule',
        sent: [`close 1002 "${FAULT}"`],
        server: 'CLOSING, HalfClose, 1006, sent 1002',
      },
      { step: 'the peer closes', sent: [], server: 'CLOSING, HalfClose, 1006, sent 1002' },
      { step: 'we close', sent: [], server: 'CLOSING, HalfClose, 1006, sent 1002' },
      { step: 'the peer ends', sent: [], server: 'CLOSED, HalfClose, 1006, sent 1002' },
    ],
  },
  'the peer breaks a rule instead of answering our Close [6455-5.5.1-6] [6455-7.1.7-3]': {
    steps: [
      { step: 'we close', sent: ['close 4001 "we"'], server: 'CLOSING, ExpectClose, 1006, sent 4001' },
      { step: 'the peer breaks a rule', sent: [], server: 'CLOSING, HalfClose, 1006, sent 4001' },
      { step: 'the transport closes', sent: [], server: 'CLOSED, HalfClose, 1006, sent 4001' },
    ],
  },
}

describe.each(ROLES)('the closing handshake of a %s', (role) => {
  it.each(Object.entries(STORIES))('%s', (_, { steps }) => {
    const end = new Endpoint(role)
    for (const { step, sent, server, client = server } of steps) {
      STEPS[step](end)
      expect(end.takeSent(), step).toEqual(sent)
      expect(where(end.connection), step).toBe(role === 'server' ? server : client)
      expect(end.connection.closeReceived).toBe(end.connection.closeCode !== 1006)
    }
  })

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'answers a Close with the same status code, %i, and without the reason (§5.5.1) [6455-5.5.1-7] [6455-5.5.1-8] [6455-7.1.5-1] [6455-7.4.1-1] [6455-7.4.1-8]',
    (code) => {
      const end = new Endpoint(role)
      end.receive(end.peerClose(code, 'why'))
      expect(end.takeSent()).toEqual([`close ${code} ""`])
      expect(end.takeEvents()).toEqual([`close ${code} "why"`])
      expect(end.connection.violation).toBeNull()
    },
  )

  it('takes a reason of 123 bytes, and the reason from its UTF-8 (§5.5.1, §7.1.6) [6455-5.5.1-3] [6455-7.1.6-1]', () => {
    const end = new Endpoint(role)
    const reason = `${'€'.repeat(40)}xyz`
    end.receive(end.peerClose(1000, reason))
    expect(end.connection.closeReason).toBe(reason)
    expect(end.takeEvents()).toEqual([`close 1000 ${JSON.stringify(reason)}`])
  })

  it('reads nothing behind the Close, in whatever pieces it comes (§5.5.1) [6455-7.1.1-1]', () => {
    const model = new Endpoint(role)
    const stream = concat(
      model.peerFrame(0x1, 'before'),
      model.peerClose(1000),
      model.peerFrame(0x1, 'behind'),
      model.peerFrame(0x9, hex('01')),
      model.peerFrame(0x3),
    )
    for (const { name, chunks } of chunkings(stream)) {
      const end = new Endpoint(role)
      for (const chunk of chunks) end.connection.receive(chunk)
      end.connection.receiveEnd()
      expect(end.takeEvents(), name).toEqual(['text "before"', 'close 1000 ""'])
      expect(end.takeSent(), name).toEqual(['close 1000 ""'])
      expect(end.connection.violation).toBeNull()
    }
  })

  it('answers a Ping that comes after our Close, until the peer closes (§5.5.2) [6455-5.5.2-2]', () => {
    const end = new Endpoint(role)
    end.connection.close(1000)
    end.receive(end.peerFrame(0x9, hex('01')))
    end.receive(end.peerFrame(0x9, hex('02')), end.peerClose(1000), end.peerFrame(0x9, hex('03')))
    end.receive(end.peerFrame(0x9, hex('04')))
    expect(end.takeSent()).toEqual(['close 1000 ""', 'pong 01', 'pong 02'])
    expect(end.takeEvents()).toEqual(['ping 01', 'ping 02', 'close 1000 ""'])
  })

  it('delivers messages that come after our Close: the peer may not know of it yet', () => {
    const end = new Endpoint(role)
    end.receive(end.peerFrame(0x1, 'a', { fin: false }))
    end.connection.close(1000)
    end.receive(end.peerFrame(0x0, 'b'), end.peerFrame(0x1, 'c'), end.peerClose(1000))
    expect(end.takeEvents()).toEqual(['text "ab"', 'text "c"', 'close 1000 ""'])
  })

  it('may be begun inside a fragmented message of ours: nothing follows the Close (§5.5.1) [6455-5.5.1-6] [6455-5.5.1-9] [6455-6.1-3]', () => {
    const end = new Endpoint(role)
    end.connection.sendFragment('a', false, false)
    end.connection.close(1000)
    expect(() => end.connection.sendFragment('b', false, true)).toThrow(UsageError)
    expect(end.takeSent()).toEqual(['text... 61', 'close 1000 ""'])
  })

  it('is answered inside a fragmented message of ours (§5.5.1) [6455-5.5.1-8]', () => {
    const end = new Endpoint(role)
    end.connection.sendFragment('a', false, false)
    end.receive(end.peerClose(1000))
    expect(end.takeSent()).toEqual(['text... 61', 'close 1000 ""'])
  })

  it('drops the message that the peer had begun when it ends or is lost', () => {
    for (const finish of ['receiveEnd', 'transportClosed'] as const) {
      for (const begun of [
        (end: Endpoint) => end.peerFrame(0x1, 'begun', { fin: false }),
        (end: Endpoint) => end.peerFrame(0x1, 'begun').subarray(0, -2),
        (end: Endpoint) => end.peerFrame(0x9, 'begun').subarray(0, -2),
        (end: Endpoint) => end.peerClose(1000).subarray(0, -1),
        (end: Endpoint) => end.peerFrame(0x1, 'begun').subarray(0, 1),
      ]) {
        const end = new Endpoint(role)
        end.receive(begun(end))
        end.connection[finish]()
        expect(end.takeEvents()).toEqual([])
        expect(end.connection.bufferedInput).toBe(0)
        expect(end.connection.closeCode).toBe(1006)
        expect(end.connection.readyState).toBe(ReadyState.CLOSED)
      }
    }
  })

  it('sends nothing in reply to the end of the stream, but what was said before it still leaves', () => {
    const end = new Endpoint(role)
    end.connection.sendMessage('said')
    end.connection.receiveEnd()
    expect(end.takeSent()).toEqual(['text "said"'])
    expect(end.connection.transportIntent).toBe(TransportIntent.HalfClose)
  })

  it('forgets all output when the transport is gone', () => {
    const end = new Endpoint(role)
    end.connection.sendMessage('said')
    end.connection.sendMessage(new Uint8Array(20_000))
    end.connection.transportClosed()
    expect(end.connection.pendingOutput).toBe(0)
    expect(end.connection.takeOutput()).toEqual([])
    end.connection.outputWritten(false)
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })

  it('reads on, to discard, until the peer ends: also when the reader had paused', () => {
    for (const finish of [
      (end: Endpoint) => end.receive(end.peerClose(1000)),
      (end: Endpoint) => end.receive(end.peerFrame(0x3)),
    ]) {
      const end = new Endpoint(role)
      finish(end)
      end.connection.pause()
      expect(end.connection.wantsBytes).toBe(true)
      end.receive(new Uint8Array(1000))
      expect(end.connection.bufferedInput).toBe(0)
      expect(end.connection.hasRetained).toBe(false)
      end.connection.receiveEnd()
      expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    }
  })
})

describe('both ends of one connection', () => {
  it.each(['client', 'server'] as const)(
    'close when the %s begins, the server ending the transport (§7.1.1, §7.1.2) [6455-7.1.1-3] [6455-7.1.2-2] [6455-7.1.1-5] [6455-7.3-1]',
    (first) => {
      const pair = new ConnectionPair()
      pair[first].connection.close(4001, 'done')
      const other = pair.peerOf(pair[first])
      pair.settle()
      expect(pair[first].takeEvents()).toEqual(['close 4001 ""'])
      expect(other.takeEvents()).toEqual(['close 4001 "done"'])
      for (const end of pair.ends) {
        expect(end.connection.readyState).toBe(ReadyState.CLOSED)
        expect(end.isFinDelivered).toBe(true)
      }
    },
  )

  it('close when both begin at once: one Close each way, each sees the code of the other (§5.5.1, §7.1.5) [6455-5.5.1-14] [6455-5.5.1-10] [6455-7.1.5-1]', () => {
    const pair = new ConnectionPair()
    pair.client.connection.close(4001, 'client')
    pair.server.connection.close(4002, 'server')
    for (const end of pair.ends) end.flush()
    pair.client.deliver(pair.server)
    expect(pair.server.connection.transportIntent).toBe(TransportIntent.HalfClose)
    pair.server.deliver(pair.client)
    expect(pair.client.connection.transportIntent).toBe(TransportIntent.ExpectClose)
    pair.settle()
    expect(pair.client.takeEvents()).toEqual(['close 4002 "server"'])
    expect(pair.server.takeEvents()).toEqual(['close 4001 "client"'])
    for (const end of pair.ends) {
      expect(end.connection.readyState).toBe(ReadyState.CLOSED)
      // One Close frame and nothing else.
      expect(end.written).toHaveLength(end === pair.client ? 14 : 10)
    }
  })

  it('stay open while nobody asks for the end and nobody breaks a rule (§7.1.7, §7.3) [6455-7.1.7-8] [6455-7.2.1-3] [6455-7.3-2]', () => {
    const pair = new ConnectionPair()
    for (const { connection } of pair.ends) {
      connection.sendMessage('a')
      connection.sendPing()
      connection.sendPong()
      connection.sendFragment('b', true, false)
    }
    pair.settle()
    for (const { connection } of pair.ends) {
      expect(connection.readyState).toBe(ReadyState.OPEN)
      expect(connection.transportIntent).toBe(TransportIntent.None)
      expect(connection.sentCloseCode).toBe(0)
    }
  })

  it('let the client end first, should the server not do it (§5.5.1, §7.1.1) [6455-5.5.1-13] [6455-7.1.1-4]', () => {
    const server = new Endpoint('server')
    server.connection.close(1000)
    server.receive(server.peerClose(1000))
    server.connection.receiveEnd()
    expect(server.connection.readyState).toBe(ReadyState.CLOSED)
  })
})

describe('Connection.close', () => {
  it('puts code and reason on the wire (§7.1.2) [6455-7.1.2-1] [6455-7.4-1]', () => {
    const server = new Endpoint('server')
    server.connection.close(4001, 'x')
    expect(toHex(server.takeBytes())).toBe('88 03 0f a1 78')
  })

  it('sends a Close without a body when there is no code (§5.5.1) [6455-5.5.1-1]', () => {
    const server = new Endpoint('server')
    server.connection.close()
    expect(toHex(server.takeBytes())).toBe('88 00')
    expect(server.connection.sentCloseCode).toBe(1005)
  })

  it('does nothing the second time', () => {
    const server = new Endpoint('server')
    server.connection.close(1000)
    server.connection.close(1001)
    expect(server.takeSent()).toEqual(['close 1000 ""'])
    expect(server.connection.sentCloseCode).toBe(1000)
  })

  const REFUSED = [
    { code: 1004, id: '6455-7.4.1-9' },
    { code: 1005, id: '6455-7.4.1-3' },
    { code: 1006, id: '6455-7.4.1-4' },
    { code: 1010, id: '6455-7.4.1-7' },
    { code: 1015, id: '6455-7.4.1-6' },
    { code: 999, id: '6455-7.4.2-1' },
    { code: 1016, id: '6455-7.4.2-2' },
    { code: 5000, id: '6455-7.4.2-4' },
  ]
  it.each(REFUSED.map(({ code, id }) => [code, id]))('refuses %i on a server, in every state (§7.4) [%s]', (code) => {
    const { connection } = new Endpoint('server')
    expect(() => connection.close(Number(code))).toThrow(UsageError)
    expect(connection.readyState).toBe(ReadyState.OPEN)
    expect(connection.pendingOutput).toBe(0)
    connection.transportClosed()
    expect(() => connection.close(Number(code))).toThrow(UsageError)
  })

  it('lets a client say which extension it misses (§7.4.1) [6455-7.4.1-5] [6455-7.4.1-7]', () => {
    const client = new Endpoint('client')
    client.connection.close(1010, 'permessage-deflate')
    expect(client.takeSent()).toEqual(['close 1010 "permessage-deflate"'])
  })

  it('refuses a reason without a code, and one that does not fit (§5.5.1) [6455-5.5.1-2] [6455-5.5.1-3]', () => {
    const { connection } = new Endpoint('server')
    expect(() => connection.close(undefined, 'x')).toThrow(UsageError)
    expect(() => connection.close(1000, 'é'.repeat(62))).toThrow(UsageError)
    connection.close(1000, `${'é'.repeat(61)}x`)
    expect(connection.pendingOutput).toBe(127)
  })
})

describe('ConnectionListener.closing', () => {
  /** An endpoint whose listener does something when the Close frame of the peer has arrived. */
  function endpointClosing(role: (typeof ROLES)[number], closing: (connection: Connection) => void): Endpoint {
    const endpoint = new Endpoint(role)
    Object.assign(endpoint.listener, { closing: () => closing(endpoint.connection) })
    return endpoint
  }

  it.each(ROLES)(
    'is the last moment for messages of a %s: they leave before the answer (§5.5.1) [6455-5.5.1-9]',
    (role) => {
      const endpoint = endpointClosing(role, (connection) => connection.sendMessage('the last word'))
      endpoint.receive(endpoint.peerClose(1000))
      expect(endpoint.takeSent()).toEqual(['text "the last word"', 'close 1000 ""'])
      expect(() => endpoint.connection.sendMessage('late')).toThrow(UsageError)
    },
  )

  it('is not called when we have closed ourselves', () => {
    const endpoint = endpointClosing('server', (connection) => connection.sendMessage('never'))
    endpoint.connection.close(4000)
    endpoint.receive(endpoint.peerClose(4000))
    expect(endpoint.takeSent()).toEqual(['close 4000 ""'])
  })

  it('may give the connection up: nothing is answered or told then', () => {
    const endpoint = endpointClosing('server', (connection) => connection.transportClosed())
    endpoint.receive(endpoint.peerClose(1000))
    expect([endpoint.takeSent(), endpoint.takeEvents()]).toEqual([[], []])
    expect(endpoint.connection.readyState).toBe(ReadyState.CLOSED)
  })
})
