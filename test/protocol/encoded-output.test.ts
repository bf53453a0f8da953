import { beforeEach, describe, expect, it } from 'vitest'
import { FIN } from '../../src/frames/header.ts'
import { Opcode } from '../../src/frames/opcode.ts'
import { EncodedOutput } from '../../src/protocol/encoded-output.ts'
import { Output, SlabPool } from '../../src/protocol/output.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { concat } from '../support/chunkings.ts'
import { ScriptedEncoder } from '../support/scripted-extension.ts'

const TEXT = FIN | Opcode.Text
const BINARY = FIN | Opcode.Binary
const CLOSE = FIN | Opcode.Close
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

let output: Output
let encoder: ScriptedEncoder
let encoded: EncodedOutput
let wakes: number

beforeEach(() => {
  output = new Output(new SlabPool(), null)
  encoder = new ScriptedEncoder()
  wakes = 0
  encoded = new EncodedOutput(output, encoder, () => {
    wakes += 1
  })
})

/** The frames since the last call: the first byte in hexadecimal, and the payload, which is short ASCII or long. */
function sent(): string[] {
  const bytes = concat(...output.take())
  output.release(true)
  const frames: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const length7 = bytes[at + 1] ?? 0
    const start = at + (length7 < 126 ? 2 : 4)
    const length = length7 < 126 ? length7 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    const payload = new TextDecoder().decode(bytes.subarray(start, start + length))
    frames.push(`${(bytes[at] ?? 0).toString(16)} ${payload}`)
    at = start + length
  }
  return frames
}

function counts(): readonly number[] {
  return [encoded.waiting, encoded.waitingBytes, encoded.done, wakes]
}

describe('EncodedOutput.data', () => {
  it('encodes a message with RSV1 set, text and bytes alike, and asks once [7692-6.1-1]', () => {
    encoded.data(TEXT, 'a', undefined)
    encoded.data(BINARY, ascii('b'), true)
    expect(sent()).toEqual(['c1 (a)', 'c2 (b)'])
    expect(encoder.calls).toEqual([
      'wants a text undefined',
      'begin',
      'encode a',
      'wants b binary true',
      'begin',
      'encode b',
    ])
    expect(counts()).toEqual([0, 0, 0, 0])
  })

  it('sends a message that shall not be encoded as it is, and takes no memory for it [7692-6.1-2]', () => {
    encoded.data(TEXT, 'a', false)
    encoded.data(BINARY, ascii('b'), false)
    expect(sent()).toEqual(['81 a', '82 b'])
    expect(encoder.calls).toEqual(['wants a text false', 'wants b binary false'])
  })

  it('sets RSV1 in the first fragment alone, and asks for the first one alone [7692-6.1-3] [7692-6.1-5]', () => {
    encoded.data(Opcode.Text, 'a', undefined)
    encoded.data(Opcode.Continuation, 'b', false)
    encoded.data(FIN, ascii('c'), false)
    expect(sent()).toEqual(['41 (a', '0 (b', '80 (c)'])
    expect(encoder.calls).toEqual(['wants a text undefined', 'begin', 'encode a', 'encode b', 'encode c'])
  })

  it('leaves all fragments of a message as they are when the first one was, whatever is said of the others', () => {
    encoded.data(TEXT, 'a', true)
    encoded.data(Opcode.Binary, ascii('b'), false)
    encoded.data(FIN, 'c', true)
    expect(sent()).toEqual(['c1 (a)', '2 b', '80 c'])
  })

  it('leaves all fragments of a message as they are when there is no memory to encode it', () => {
    encoder.hasMemory = false
    encoded.data(Opcode.Text, 'a', true)
    encoder.hasMemory = true
    encoded.data(FIN, 'b', true)
    encoded.data(TEXT, 'c', true)
    expect(sent()).toEqual(['1 a', '80 b', 'c1 (c)'])
  })

  it('sends a fragment also when the encoder makes no byte of it', () => {
    encoded.data(Opcode.Text, 'nothing', true)
    encoded.data(FIN, 'a', true)
    expect(sent()).toEqual(['41 ', '80 (a)'])
  })

  it('keeps what was encoded when the encoders work on, however long it is', () => {
    for (const length of [16_382, 16_383, 30_000]) {
      const text = 'x'.repeat(length)
      encoded.data(TEXT, text, true)
      new ScriptedEncoder().encode('y'.repeat(60_000), true)
      expect(sent()).toEqual([`c1 (${text})`])
    }
  })

  it('refers to no memory of the encoder', () => {
    encoded.data(TEXT, 'x'.repeat(30_000), true)
    const chunks = output.take()
    expect(chunks.every(({ buffer }) => buffer !== encoder.output.buffer)).toBe(true)
  })
})

describe('what is encoded elsewhere', () => {
  it('waits, is counted in bytes, and wakes the connection when it is in the output', () => {
    encoded.data(TEXT, 'later é', true)
    expect(sent()).toEqual([])
    expect(counts()).toEqual([1, 8, 0, 0])
    encoder.finish()
    expect(sent()).toEqual(['c1 (later é)'])
    expect(counts()).toEqual([0, 0, 1, 1])
  })

  it('does not change with the bytes of the caller', () => {
    const bytes = ascii('later a')
    encoded.data(BINARY, bytes, true)
    const behind = ascii('b')
    encoded.data(BINARY, behind, true)
    bytes.fill(0)
    behind.fill(0)
    encoder.finish()
    expect(sent()).toEqual(['c2 (later a)', 'c2 (b)'])
  })

  it('keeps what comes behind it in its place: messages, encoded or not, fragments and the Close', () => {
    encoded.data(TEXT, 'later 1', true)
    encoded.data(TEXT, '2', true)
    encoded.data(BINARY, ascii('3'), false)
    encoded.data(Opcode.Text, '4', true)
    encoded.data(FIN, '5', undefined)
    encoded.close(CLOSE, ascii('6'))
    expect(sent()).toEqual([])
    expect(counts()).toEqual([6, 12, 0, 0])
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 1)', 'c1 (2)', '82 3', '41 (4', '80 (5)', '88 6'])
    expect(counts()).toEqual([0, 0, 6, 1])
  })

  it('may be several messages: each begins when the one before is done', () => {
    encoded.data(TEXT, 'later 1', true)
    encoded.data(TEXT, 'later 2', true)
    encoded.data(TEXT, '3', true)
    encoded.data(TEXT, 'later 4', true)
    expect(encoder.jobs).toHaveLength(1)
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 1)'])
    expect(counts()).toEqual([3, 15, 1, 1])
    expect(encoder.jobs).toHaveLength(1)
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 2)', 'c1 (3)'])
    expect(counts()).toEqual([1, 7, 3, 2])
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 4)'])
    expect(counts()).toEqual([0, 0, 4, 3])
    encoded.data(TEXT, '5', true)
    expect(sent()).toEqual(['c1 (5)'])
  })

  it('may be fragments: RSV1 stands in the first one [7692-6.1-1] [7692-6.1-5]', () => {
    encoded.data(Opcode.Text, 'later 1', true)
    encoded.data(FIN, 'later 2', true)
    encoder.finish()
    encoder.finish()
    expect(sent()).toEqual(['41 (later 1', '80 (later 2)'])
  })
})

describe('EncodedOutput.close', () => {
  it('sends the Close frame at once when nothing waits (§5.5.1) [6455-5.5.1-7]', () => {
    encoded.close(CLOSE, ascii('body'))
    expect(sent()).toEqual(['88 body'])
    expect(counts()).toEqual([0, 0, 0, 0])
  })
})

describe('EncodedOutput.abandon', () => {
  it('forgets what waits, frees the encoder, and sends nothing of it', () => {
    encoded.data(TEXT, 'later 1', true)
    encoded.data(TEXT, '2', true)
    encoded.abandon()
    expect(sent()).toEqual([])
    expect(counts()).toEqual([0, 0, 0, 0])
    expect(encoder.calls.at(-1)).toBe('close')
  })

  it('sends the Close frame that waits, and what is said after it goes out at once (§5.5.1) [6455-5.5.1-7]', () => {
    encoded.data(TEXT, 'later 1', true)
    encoded.data(TEXT, '2', true)
    encoded.close(CLOSE, ascii('body'))
    encoded.abandon()
    expect(sent()).toEqual(['88 body'])
    encoded.close(CLOSE, ascii('x'))
    expect(sent()).toEqual(['88 x'])
  })

  it('frees the encoder also when nothing waits', () => {
    encoded.abandon()
    expect(encoder.calls).toEqual(['close'])
    expect(sent()).toEqual([])
  })
})

describe('EncodedOutput.rest', () => {
  it('is for the encoder', () => {
    encoded.rest(17)
    expect(encoder.calls).toEqual(['rest 17'])
  })
})

describe('EncodedOutput.prepared', () => {
  it('shares the message as it is where it shall not be encoded, with a variant or without', () => {
    const message = prepareMessage('x'.repeat(1200))
    encoded.prepared(message, false)
    encoder.variant = 'v'
    encoded.prepared(message, false)
    expect(output.take()).toEqual([message.frame, message.frame])
    expect(encoder.calls).toEqual([`wants ${'x'.repeat(1200)} text false`, `wants ${'x'.repeat(1200)} text false`])
  })

  it('is encoded for this connection alone when the encoder has no variant [7692-7.2.1-11]', () => {
    encoded.prepared(prepareMessage(ascii('a')), undefined)
    expect(sent()).toEqual(['c2 (a)'])
    expect(encoder.calls).toEqual(['wants a binary undefined', 'begin', 'encode a'])
  })

  it('is encoded by an encoder of its own when there is a variant, once', () => {
    encoder.variant = 'v'
    const message = prepareMessage('a')
    encoded.prepared(message, true)
    encoded.prepared(message, true)
    expect(sent()).toEqual(['c1 (a)', 'c1 (a)'])
    expect(encoder.calls.filter((call) => !call.startsWith('wants'))).toEqual([])
    expect(encoder.others.map(({ calls }) => calls)).toEqual([['begin', 'encode a']])
  })

  it('waits without a variant as any other message does', () => {
    encoded.prepared(prepareMessage('later 1'), true)
    encoded.prepared(prepareMessage('2'), true)
    expect(counts()).toEqual([2, 8, 0, 0])
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 1)', 'c1 (2)'])
    expect(counts()).toEqual([0, 0, 2, 1])
  })

  it('waits for its variant, with all that comes behind it', () => {
    encoder.variant = 'v'
    const message = prepareMessage('later 1')
    encoded.prepared(message, true)
    encoded.data(TEXT, '2', true)
    encoded.prepared(message, true)
    encoded.prepared(message, false)
    encoded.prepared(prepareMessage('3'), true)
    expect(sent()).toEqual([])
    expect(counts()).toEqual([5, 23, 0, 0])
    encoder.others[0]?.finish()
    expect(sent()).toEqual(['c1 (later 1)', 'c1 (2)', 'c1 (later 1)', '81 later 1', 'c1 (3)'])
    expect(counts()).toEqual([0, 0, 5, 1])
  })

  it('waits for its variant behind a message that is encoded elsewhere, once it is its turn', () => {
    encoder.variant = 'v'
    encoded.data(TEXT, 'later 1', true)
    encoded.prepared(prepareMessage('later 2'), true)
    encoded.data(TEXT, '3', true)
    expect(encoder.others).toEqual([])
    encoder.finish()
    expect(sent()).toEqual(['c1 (later 1)'])
    expect(counts()).toEqual([2, 8, 1, 1])
    encoder.others[0]?.finish()
    expect(sent()).toEqual(['c1 (later 2)', 'c1 (3)'])
    expect(counts()).toEqual([0, 0, 3, 2])
  })

  it('is not sent when its variant comes after all was abandoned', () => {
    encoder.variant = 'v'
    const message = prepareMessage('later 1')
    encoded.prepared(message, true)
    encoded.abandon()
    encoder.others[0]?.finish()
    expect(sent()).toEqual([])
    expect(counts()).toEqual([0, 0, 0, 0])
  })
})
