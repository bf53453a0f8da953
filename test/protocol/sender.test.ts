import { beforeEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { Opcode } from '../../src/frames/opcode.ts'
import { EncodedOutput } from '../../src/protocol/encoded-output.ts'
import { Output, SlabPool } from '../../src/protocol/output.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { closeBody, Sender } from '../../src/protocol/sender.ts'
import { SendHalf } from '../../src/protocol/state.ts'
import { concat } from '../support/chunkings.ts'
import { describeFrames } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'
import { ScriptedEncoder } from '../support/scripted-extension.ts'

let output: Output
let sender: Sender

beforeEach(() => {
  output = new Output(new SlabPool(), null)
  sender = new Sender(output)
})

function take(): Uint8Array {
  const bytes = concat(...output.take())
  output.release(true)
  return bytes
}
const sent = (): string[] => describeFrames(take())

describe('Sender.message', () => {
  it.each([
    { name: 'text from a string', payload: 'Hello', isBinary: false, wire: '81 05 48 65 6c 6c 6f' },
    { name: 'text from bytes', payload: hex('48 65 6c 6c 6f'), isBinary: false, wire: '81 05 48 65 6c 6c 6f' },
    { name: 'binary from bytes', payload: hex('ff fe'), isBinary: true, wire: '82 02 ff fe' },
    { name: 'binary from a string', payload: 'é', isBinary: true, wire: '82 02 c3 a9' },
    { name: 'a longer text', payload: 'a'.repeat(40), isBinary: false, wire: `81 28${' 61'.repeat(40)}` },
    { name: 'an empty text', payload: '', isBinary: false, wire: '81 00' },
    { name: 'an empty binary message', payload: new Uint8Array(0), isBinary: true, wire: '82 00' },
    { name: 'a lone surrogate as U+FFFD', payload: '\ud800', isBinary: false, wire: '81 03 ef bf bd' },
  ])(
    'sends $name in one frame with FIN (§6.1) [6455-6.1-4] [6455-6.1-6] [6455-6.1-7]',
    ({ payload, isBinary, wire }) => {
      sender.message(payload, isBinary)
      expect(toHex(take())).toBe(wire)
    },
  )

  it('refuses bytes that are no UTF-8 as text (§5.6) [6455-5.6-1]', () => {
    expect(() => sender.message(hex('ff'), false)).toThrow(UsageError)
    expect(() => sender.message(hex('e2 82'), false)).toThrow('not valid UTF-8 (6455-5.6-1)')
    expect(output.pending).toBe(0)
  })

  it('refuses a message while a fragmented one is open (§5.4) [6455-5.4-4]', () => {
    expect(sender.isFragmenting).toBe(false)
    sender.fragment('a', false, false)
    expect(sender.isFragmenting).toBe(true)
    expect(() => sender.message('b', false)).toThrow(UsageError)
    expect(() => sender.message('b', true)).toThrow('a fragmented message is open (6455-5.4-4)')
    sender.fragment('c', false, true)
    expect(sender.isFragmenting).toBe(false)
    sender.message('d', false)
    expect(sent()).toEqual(['text... 61', 'continuation 63', 'text "d"'])
  })
})

describe('Sender.message with a prepared message', () => {
  it.each([
    { name: 'text', data: 'Hé', frame: 'text "Hé"' },
    { name: 'binary', data: hex('ff 00'), frame: 'binary ff 00' },
  ])('sends $name as a server and, masked, as a client (§5.3) [6455-5.3-2] [6455-6.1-6]', ({ data, frame }) => {
    const message = prepareMessage(data)
    sender.message(message, false)
    expect(sent()).toEqual([frame])
    const client = new Output(new SlabPool(), () => 0x01020304)
    new Sender(client).message(message, false)
    const bytes = concat(...client.take())
    expect(describeFrames(bytes)).toEqual([frame])
    expect(toHex(bytes.subarray(2, 6))).toBe('01 02 03 04')
    // The client masks a copy.
    sender.message(message, false)
    expect(sent()).toEqual([frame])
  })

  it('refuses it while a fragmented message is open (§5.4) [6455-5.4-4]', () => {
    sender.fragment('a', false, false)
    expect(() => sender.message(prepareMessage('b'), false)).toThrow(UsageError)
  })
})

describe('Sender.fragment', () => {
  it('sends the type first, continuations after it, and FIN last (§5.4, §6.1) [6455-6.1-5] [6455-6.1-6] [6455-6.1-7]', () => {
    sender.fragment('Hel', false, false)
    sender.fragment('', false, false)
    sender.fragment('lo', false, true)
    expect(toHex(take())).toBe('01 03 48 65 6c 00 00 80 02 6c 6f')
  })

  it('keeps the type of the first fragment, whatever the others say (§5.4) [6455-5.4-12]', () => {
    sender.fragment(hex('ff'), true, false)
    sender.fragment(hex('fe'), false, true)
    expect(sent()).toEqual(['binary... ff', 'continuation fe'])
  })

  it('sends a message that is one fragment as an ordinary one (§5.4) [6455-5.4-7]', () => {
    sender.fragment('Hello', false, true)
    sender.fragment(hex('01'), true, true)
    expect(sent()).toEqual(['text "Hello"', 'binary 01'])
  })

  it('lets a character be cut between fragments of bytes (§5.6) [6455-5.6-1]', () => {
    for (const octet of hex('f0 9f 8c 8d c3 a9')) sender.fragment(Uint8Array.of(octet), false, false)
    sender.fragment('', false, true)
    expect(sent()).toHaveLength(7)
  })

  it.each([
    { name: 'a wrong octet in the first fragment', before: [], refused: 'ff', next: '61' },
    { name: 'half a character that cannot go on, in the first fragment', before: [], refused: 'f0 80', next: '61' },
    { name: 'a wrong octet inside an open character', before: ['e2 82'], refused: '28', next: 'ac' },
    { name: 'a wrong octet behind the end of an open character', before: ['e2 82'], refused: 'ac ff', next: 'ac' },
    { name: 'a wrong octet after one that went on', before: ['f0', '9f'], refused: '8c 28', next: '8c 8d' },
    { name: 'a new character inside an open one', before: ['61 c3'], refused: 'c3 a9', next: 'a9' },
    { name: 'a wrong octet two fragments into a character', before: ['f0', '9f', '8c'], refused: 'ff', next: '8d' },
    { name: 'an open character in front of more', before: ['e2', '82', 'ac e2'], refused: 'e2', next: '82 ac' },
    { name: 'octets behind a fragment without any', before: ['e2', ''], refused: 'e2', next: '82 ac' },
  ])('refuses $name, and goes on as if it had not been given (§5.6) [6455-5.6-1]', ({ before, refused, next }) => {
    for (const payload of before) sender.fragment(hex(payload), false, false)
    const pending = output.pending
    for (const fin of [false, true]) {
      expect(() => sender.fragment(hex(refused), false, fin)).toThrow(UsageError)
      expect(() => sender.fragment(hex(refused), false, fin)).toThrow('not valid UTF-8 (6455-5.6-1)')
    }
    expect(output.pending).toBe(pending)
    sender.fragment(hex(next), false, true)
    sender.message('ok', false)
    expect(sent().at(-1)).toBe('text "ok"')
  })

  it('refuses to end a text inside a character, and can still go on (§5.6) [6455-5.6-1]', () => {
    expect(() => sender.fragment(hex('e2 82'), false, true)).toThrow('a character is cut and not completed')
    sender.fragment(hex('e2 82'), false, false)
    expect(() => sender.fragment(hex(''), false, true)).toThrow('a character is cut and not completed')
    expect(() => sender.fragment('', false, true)).toThrow('a character is cut and not completed')
    expect(() => sender.fragment('x', false, false)).toThrow(UsageError)
    sender.fragment(hex('ac'), false, true)
    expect(sent()).toEqual(['text... e2 82', 'continuation ac'])
  })

  it('copies the octets of an open character: the caller may use its memory again', () => {
    for (const octets of [hex('e2 82'), Buffer.from('e282', 'hex')]) {
      sender.fragment(octets, false, false)
      octets.fill(0)
      expect(() => sender.fragment(hex('28'), false, true)).toThrow(UsageError)
      sender.fragment(hex('ac'), false, true)
    }
  })

  it('does not judge binary fragments, and forgets nothing of the text after them', () => {
    sender.fragment(hex('ff c3'), true, false)
    sender.fragment(hex('28'), true, true)
    sender.fragment(hex('c3'), false, false)
    expect(() => sender.fragment(hex('28'), false, true)).toThrow(UsageError)
  })

  it('takes strings and bytes in one text', () => {
    sender.fragment('a', false, false)
    sender.fragment(hex('c3'), false, false)
    sender.fragment(hex('a9 62'), false, false)
    sender.fragment('ü', false, true)
    expect(sent()).toEqual(['text... 61', 'continuation... c3', 'continuation... a9 62', 'continuation c3 bc'])
  })
})

describe('Sender.control', () => {
  it('sends the range it is given', () => {
    sender.control(Opcode.Ping, hex('00 01 02 03'), 1, 3)
    sender.control(Opcode.Pong, hex(''), 0, 0)
    expect(toHex(take())).toBe('89 02 01 02 8a 00')
  })

  it('takes 125 bytes and refuses 126 (§5.5) [6455-5.5-1] [6455-5.5.2-1]', () => {
    sender.control(Opcode.Ping, new Uint8Array(125), 0, 125)
    expect(take()).toHaveLength(127)
    expect(() => sender.control(Opcode.Ping, new Uint8Array(126), 0, 126)).toThrow(UsageError)
    expect(() => sender.control(Opcode.Pong, new Uint8Array(200), 10, 136)).toThrow(
      'pong frame of 126 bytes; at most 125 fit (6455-5.5-1)',
    )
    sender.control(Opcode.Pong, new Uint8Array(200), 75, 200)
    expect(output.pending).toBe(127)
  })

  it('may stand between fragments, and never sends a fragment itself (§5.4, §5.5) [6455-5.4-1] [6455-5.5-2]', () => {
    sender.fragment('a', false, false)
    sender.control(Opcode.Ping, hex('01'), 0, 1)
    sender.fragment('b', false, true)
    expect(sent()).toEqual(['text... 61', 'ping 01', 'continuation 62'])
  })
})

describe('payloads from callers without types', () => {
  it.each([
    { name: 'a number', payload: 80 },
    { name: 'null', payload: null },
    { name: 'undefined', payload: undefined },
    { name: 'an array', payload: [1, 2] },
    { name: 'an ArrayBuffer', payload: new ArrayBuffer(4) },
    { name: 'a DataView', payload: new DataView(new ArrayBuffer(4)) },
    { name: 'an array of floats', payload: new Float32Array(4) },
    { name: 'an array of 16-bit integers', payload: new Uint16Array(4) },
    { name: 'an object with a length', payload: { length: 4 } },
  ])('refuses $name and sends nothing', ({ payload }) => {
    const bytes = payload as unknown as Uint8Array
    for (const isBinary of [true, false]) {
      expect(() => sender.message(bytes, isBinary)).toThrow(UsageError)
      expect(() => sender.message(bytes, isBinary)).toThrow(
        'sendMessage: the payload is neither a string nor a Uint8Array',
      )
      expect(() => sender.fragment(bytes, isBinary, true)).toThrow(
        'sendFragment: the payload is neither a string nor a Uint8Array',
      )
    }
    expect(() => sender.control(Opcode.Ping, bytes, 0, 4)).toThrow('ping frame: the payload is not a Uint8Array')
    expect(output.pending).toBe(0)
  })

  it.each([
    { name: 'a view with an offset', payload: new Uint8Array(hex('00 01 02 03').buffer, 1, 2) },
    { name: 'a Buffer', payload: Buffer.from([1, 2]) },
    { name: 'shared memory', payload: new Uint8Array(new SharedArrayBuffer(2)).fill(1, 0, 1).fill(2, 1, 2) },
  ])('takes $name', ({ payload }) => {
    sender.message(payload, true)
    sender.fragment(payload, true, true)
    sender.control(Opcode.Ping, payload, 0, 2)
    expect(sent()).toEqual(['binary 01 02', 'binary 01 02', 'ping 01 02'])
  })
})

describe('Sender.close', () => {
  it.each([
    { name: 'no body', body: '', code: 1005, wire: '88 00' },
    { name: 'a status code and a reason', body: '0f a1 78', code: 4001, wire: '88 03 0f a1 78' },
  ])('sends $name and remembers the code (§5.5.1) [6455-5.5.1-1] [6455-5.5.1-2]', ({ body, code, wire }) => {
    expect(sender.half).toBe(SendHalf.Open)
    expect(sender.sentCloseCode).toBe(0)
    sender.close(hex(body))
    expect(sender.half).toBe(SendHalf.CloseSent)
    expect(sender.sentCloseCode).toBe(code)
    expect(toHex(take())).toBe(wire)
  })

  it('lets nothing wait without an extension, so that there is nothing to abandon', () => {
    sender.message('a', false)
    expect(sender.isWaiting).toBe(false)
    sender.abandon()
    expect(sent()).toEqual(['text "a"'])
  })

  it('goes on to Ended when our direction ends', () => {
    sender.close(hex(''))
    sender.end()
    expect(sender.half).toBe(SendHalf.Ended)
    expect(sender.sentCloseCode).toBe(1005)
  })
})

describe('a Sender with an extension', () => {
  let encoder: ScriptedEncoder
  /** What was sent, `(` for 28 and `)` for 29. */
  const wire = (): string => toHex(take())

  beforeEach(() => {
    encoder = new ScriptedEncoder()
    sender = new Sender(output, new EncodedOutput(output, encoder, () => {}))
  })

  it('gives it messages, prepared ones and fragments, with what the caller says of each [7692-6.1-1]', () => {
    sender.message('a', false, true)
    sender.message(hex('62'), true)
    sender.message(prepareMessage('c'), false, false)
    sender.fragment('d', false, false, true)
    sender.fragment('e', false, true, false)
    expect(wire()).toBe('c1 03 28 61 29 c2 03 28 62 29 81 01 63 41 02 28 64 80 03 28 65 29')
    expect(encoder.calls.filter((call) => call.startsWith('wants'))).toEqual([
      'wants a text true',
      'wants b binary undefined',
      'wants c text false',
      'wants d text true',
    ])
  })

  it('sends control frames past what waits, and the Close behind it (§5.4, §5.5.1) [6455-5.4-1] [6455-5.5.1-6]', () => {
    expect(sender.isWaiting).toBe(false)
    sender.message('later', false)
    expect(sender.isWaiting).toBe(true)
    sender.control(Opcode.Ping, hex('01'), 0, 1)
    sender.close(hex('03 e8'))
    expect([sender.half, sender.sentCloseCode]).toEqual([SendHalf.CloseSent, 1000])
    expect(wire()).toBe('89 01 01')
    encoder.finish()
    expect(sender.isWaiting).toBe(false)
    expect(wire()).toBe('c1 07 28 6c 61 74 65 72 29 88 02 03 e8')
  })

  it('forgets what waits when it is abandoned, but for the Close', () => {
    sender.message('later', false)
    sender.close(hex('03 e8'))
    sender.abandon()
    expect(sender.isWaiting).toBe(false)
    expect(wire()).toBe('88 02 03 e8')
    expect(encoder.calls.at(-1)).toBe('close')
  })
})

describe('closeBody', () => {
  const SENDABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]

  it.each(SENDABLE)('lets both roles send %i (§7.4.1, §7.4.2) [6455-7.4.1-1] [6455-7.4.2-3] [6455-7.4.2-4]', (code) => {
    for (const role of ['server', 'client'] as const) {
      expect(toHex(closeBody(role, code, ''))).toBe(toHex(Uint8Array.of(code >>> 8, code)))
    }
  })

  it('lets only a client send 1010 (§7.4.1) [6455-7.4.1-7]', () => {
    expect(toHex(closeBody('client', 1010, 'x'))).toBe('03 f2 78')
    expect(() => closeBody('server', 1010, 'x')).toThrow(UsageError)
    expect(() => closeBody('server', 1010, 'x')).toThrow('6455-7.4.1-7')
  })

  const REFUSED = [
    { code: 1005, id: '6455-7.4.1-3' },
    { code: 1006, id: '6455-7.4.1-4' },
    { code: 1015, id: '6455-7.4.1-6' },
    { code: 1004, id: '6455-7.4.1-9' },
    { code: 0, id: '6455-7.4.2-1' },
    { code: 999, id: '6455-7.4.2-1' },
    { code: 1016, id: '6455-7.4.2-2' },
    { code: 2999, id: '6455-7.4.2-2' },
    { code: 5000, id: '6455-7.4.2-4' },
    { code: 65_536, id: '6455-7.4.2-4' },
    { code: 1000.5, id: '6455-7.4.2-2' },
    { code: -1, id: '6455-7.4.2-1' },
    { code: Number.NaN, id: '6455-7.4.2-1' },
  ]
  it.each(REFUSED.map(({ code, id }) => [code, id] as const))('lets nobody send %s (§7.4) [%s]', (code) => {
    for (const role of ['server', 'client'] as const) {
      expect(() => closeBody(role, code, '')).toThrow(UsageError)
      expect(() => closeBody(role, code, 'why')).toThrow('6455-7.4.1')
    }
  })

  it('makes no body without a status code, and none with a reason alone (§5.5.1) [6455-5.5.1-1] [6455-5.5.1-2]', () => {
    expect(closeBody('server', undefined, '')).toHaveLength(0)
    expect(() => closeBody('server', undefined, 'x')).toThrow('a close reason needs a status code (6455-5.5.1-2)')
  })

  it('takes 123 bytes of reason, counted in UTF-8 (§5.5.1) [6455-5.5.1-3] [6455-7.4-1]', () => {
    expect(closeBody('server', 1000, 'x'.repeat(123))).toHaveLength(125)
    expect(() => closeBody('server', 1000, 'x'.repeat(124))).toThrow(UsageError)
    expect(closeBody('server', 1000, '€'.repeat(41))).toHaveLength(125)
    expect(() => closeBody('server', 1000, `${'€'.repeat(41)}x`)).toThrow('at most 123')
  })

  it.each([
    { name: 'bytes', reason: new Float32Array(20) },
    { name: 'a number', reason: 20 },
    { name: 'null', reason: null },
  ])('refuses a reason that is $name', ({ reason }) => {
    expect(() => closeBody('server', 1000, reason as unknown as string)).toThrow(UsageError)
    expect(() => closeBody('server', 1000, reason as unknown as string)).toThrow('the close reason is not a string')
  })
})
