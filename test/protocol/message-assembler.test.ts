import { beforeEach, describe, expect, it } from 'vitest'
import { Opcode } from '../../src/frames/opcode.ts'
import { MessageAssembler, type MessageTarget } from '../../src/protocol/message-assembler.ts'

interface Message {
  readonly isBinary: boolean
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly owned: boolean
  readonly text: string
}

class RecordingTarget implements MessageTarget {
  readonly messages: Message[] = []

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    this.messages.push({ isBinary, bytes, start, end, owned, text })
  }

  /** Payloads of the messages as text. */
  get texts(): string[] {
    return this.messages.map(({ text }) => text)
  }
}

let target: RecordingTarget
let assembler: MessageAssembler

beforeEach(() => {
  target = new RecordingTarget()
  assembler = new MessageAssembler(target)
})

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A data frame that lies in one chunk, with bytes around it. */
function whole(opcode: number, fin: boolean, payload: string): void {
  assembler.dataFrame(opcode, fin, ascii(`<${payload}>`), 1, 1 + payload.length)
}

/** A data frame that comes in the given pieces. */
function cut(opcode: number, fin: boolean, ...pieces: readonly string[]): void {
  assembler.dataFrameStart(opcode, fin, pieces.join('').length)
  for (const piece of pieces) assembler.dataFramePayload(ascii(`<${piece}>`), 1, 1 + piece.length)
  assembler.dataFrameEnd(fin)
}

describe('MessageAssembler', () => {
  it.each([
    [Opcode.Text, false],
    [Opcode.Binary, true],
  ])('says of a message in one frame with opcode %d that it is binary: %s (§5.6) [6455-6.2-3]', (opcode, isBinary) => {
    whole(opcode, true, 'a')
    expect(target.messages.map((message) => message.isBinary)).toEqual([isBinary])
  })

  it('never takes more memory than the last frame says the message will have, wherever its pieces lie [6455-10.4-1]', () => {
    assembler.dataFrameStart(Opcode.Binary, true, 100_000)
    const chunk = new Uint8Array(100_000)
    for (const [start, end] of [
      [50_000, 80_000],
      [60_000, 90_000],
      [70_000, 100_000],
    ] as const) {
      assembler.dataFramePayload(chunk, start, end)
      expect(assembler.capacity).toBeLessThanOrEqual(100_000)
    }
  })

  it('takes pieces of a frame whose length is not known, as an extension gives them (RFC 7692 §6.2)', () => {
    assembler.dataFrameStart(Opcode.Text, true, 0)
    for (const piece of ['Hel', 'lo']) assembler.dataFramePayload(ascii(piece), 0, piece.length)
    assembler.dataFrameEnd(true)
    expect(target.texts).toEqual(['Hello'])
  })

  it('aborts the sink of a message at whose start the connection was ended, and gives it nothing', () => {
    const events: string[] = []
    const ending: MessageAssembler = new MessageAssembler({
      message: () => events.push('message'),
      messageStart: () => {
        ending.discard()
        return { piece: () => events.push('piece'), end: () => events.push('end'), abort: () => events.push('abort') }
      },
    })
    ending.dataFrameStart(Opcode.Text, true, 2)
    ending.dataFramePayload(ascii('ab'), 0, 2)
    ending.dataFrameEnd(true)
    expect(events).toEqual(['abort'])
  })

  it('joins fragments in the order they came (§5.4) [6455-5.4-3] [6455-5.4-7]', () => {
    whole(Opcode.Text, false, 'Hel')
    whole(Opcode.Continuation, false, 'l')
    expect(target.messages).toEqual([])
    whole(Opcode.Continuation, true, 'o')
    expect(target.texts).toEqual(['Hello'])
    expect(target.messages[0]?.start).toBe(0)
  })

  it('joins a long message in memory that the receiver owns, and a short one in memory that is used again', () => {
    for (const length of [16_384, 16_385]) cut(Opcode.Binary, true, 'x'.repeat(10_000), 'x'.repeat(length - 10_000))
    expect(target.messages.map(({ owned }) => owned)).toEqual([false, true])
    expect(target.messages[1]?.bytes.buffer.byteLength).toBe(16_385)
  })

  it('uses the memory of a message again when it was handed on, and not before', () => {
    const texts: string[] = []
    const nested = new MessageAssembler(target)
    const outer: MessageAssembler = new MessageAssembler({
      message: (_, bytes, start, end) => {
        nested.dataFrame(Opcode.Text, false, ascii('in'), 0, 2)
        nested.dataFrame(Opcode.Continuation, true, ascii('ner'), 0, 3)
        texts.push(Buffer.from(bytes.subarray(start, end)).toString())
      },
    })
    outer.dataFrame(Opcode.Text, false, ascii('ou'), 0, 2)
    outer.dataFrame(Opcode.Continuation, true, ascii('ter'), 0, 3)
    expect([...target.texts, ...texts]).toEqual(['inner', 'outer'])
  })

  it('joins the pieces of a frame that TCP has cut (§5.4) [6455-5.4-13]', () => {
    cut(Opcode.Binary, true, 'H', 'el', 'lo')
    expect(target.texts).toEqual(['Hello'])
    expect(target.messages[0]).toMatchObject({ isBinary: true })
  })

  it.each([
    { first: Opcode.Text, isBinary: false },
    { first: Opcode.Binary, isBinary: true },
  ])('gives all fragments the type of the first, opcode $first (§5.4, §6.2) [6455-5.4-12] [6455-6.2-3]', (row) => {
    whole(row.first, false, 'a')
    whole(Opcode.Continuation, true, 'b')
    cut(row.first, false, 'a', 'b')
    cut(Opcode.Continuation, true, 'c')
    expect(target.messages.map(({ isBinary }) => isBinary)).toEqual([row.isBinary, row.isBinary])
    expect(target.texts).toEqual(['ab', 'abc'])
  })

  it('does not carry the type of one message over to the next (§6.2) [6455-6.2-4]', () => {
    whole(Opcode.Binary, false, 'a')
    whole(Opcode.Continuation, true, 'b')
    whole(Opcode.Text, false, 'c')
    cut(Opcode.Continuation, true, 'd')
    cut(Opcode.Binary, true, 'e')
    expect(target.messages.map(({ isBinary }) => isBinary)).toEqual([true, false, true])
    expect(target.texts).toEqual(['ab', 'cd', 'e'])
  })

  it('joins whole and cut frames in any mixture', () => {
    cut(Opcode.Text, false, 'a', 'b')
    whole(Opcode.Continuation, false, 'c')
    whole(Opcode.Continuation, false, '')
    cut(Opcode.Continuation, false, 'd')
    whole(Opcode.Continuation, true, 'e')
    expect(target.texts).toEqual(['abcde'])
  })

  it('takes empty fragments without memory (§5.4) [6455-5.4-6]', () => {
    whole(Opcode.Binary, false, '')
    for (let i = 0; i < 10_000; i += 1) whole(Opcode.Continuation, false, '')
    expect(assembler.capacity).toBe(0)
    whole(Opcode.Continuation, true, '')
    expect(target.texts).toEqual([''])
  })

  it('does not mix the buffers of two messages: what was handed on is not written again', () => {
    whole(Opcode.Text, false, 'a')
    whole(Opcode.Continuation, true, 'b')
    whole(Opcode.Text, false, 'X')
    whole(Opcode.Continuation, true, 'Y')
    expect(target.texts).toEqual(['ab', 'XY'])
  })

  it('frees the open message when told to', () => {
    cut(Opcode.Text, false, 'abc')
    expect(assembler.capacity).toBeGreaterThan(0)
    assembler.discard()
    expect(assembler.capacity).toBe(0)
  })

  it('hands nothing on after it was told to free the message: the connection has ended', () => {
    whole(Opcode.Text, false, 'a')
    assembler.discard()
    whole(Opcode.Continuation, true, 'b')
    cut(Opcode.Continuation, true, 'c')
    expect(target.messages).toEqual([])
    expect(assembler.capacity).toBe(0)
  })

  it('frees the open message before it hands it on, so that its bytes are not counted twice', () => {
    let held = -1
    const watching = new MessageAssembler({
      message: () => {
        held = watching.capacity
      },
    })
    watching.dataFrame(Opcode.Text, false, ascii('a'), 0, 1)
    watching.dataFrame(Opcode.Continuation, true, ascii('b'), 0, 1)
    expect(held).toBe(0)
  })

  describe('memory', () => {
    it('holds at most twice the bytes of the message, in fragments of one byte', () => {
      assembler.dataFrame(Opcode.Binary, false, ascii('x'), 0, 1)
      for (let length = 2; length <= 100_000; length += 1) {
        assembler.dataFrame(Opcode.Continuation, false, ascii('x'), 0, 1)
        if (assembler.capacity > Math.max(256, 2 * length)) expect.fail(`${assembler.capacity} for ${length} bytes`)
      }
      expect(assembler.capacity).toBeGreaterThanOrEqual(100_000)
    })

    it('holds at most twice the bytes that came, whatever was announced', () => {
      assembler.dataFrameStart(Opcode.Binary, false, 1_000_000)
      for (let length = 1; length <= 5000; length += 1) {
        assembler.dataFramePayload(ascii('x'), 0, 1)
        if (assembler.capacity > Math.max(256, 2 * length)) expect.fail(`${assembler.capacity} for ${length} bytes`)
      }
    })

    it('never grows past the message when the last frame says how long it is', () => {
      whole(Opcode.Binary, false, 'x'.repeat(100_000))
      assembler.dataFrameStart(Opcode.Continuation, true, 500)
      for (let i = 0; i < 500; i += 1) {
        assembler.dataFramePayload(ascii('x'), 0, 1)
        expect(assembler.capacity).toBeLessThanOrEqual(100_500)
      }
      assembler.dataFrameEnd(true)

      assembler.dataFrameStart(Opcode.Binary, true, 100_000)
      for (let i = 0; i < 10; i += 1) assembler.dataFramePayload(new Uint8Array(10_000), 0, 10_000)
      expect(assembler.capacity).toBe(100_000)
      assembler.dataFrameEnd(true)
      expect(target.messages.map(({ end }) => end)).toEqual([100_500, 100_000])
    })

    it('does not take what an earlier frame announced for the length of the next', () => {
      cut(Opcode.Binary, true, 'x'.repeat(10))
      cut(Opcode.Binary, false, 'abc', 'def')
      whole(Opcode.Continuation, true, 'g'.repeat(300))
      expect(target.texts[1]).toBe(`abcdef${'g'.repeat(300)}`)
    })

    it('doubles, so that joining takes linear time', () => {
      let copies = 0
      let before = 0
      assembler.dataFrame(Opcode.Binary, false, ascii('x'), 0, 1)
      for (let i = 0; i < 65_536; i += 1) {
        assembler.dataFrame(Opcode.Continuation, false, ascii('x'), 0, 1)
        if (assembler.capacity !== before) copies += 1
        before = assembler.capacity
      }
      expect(copies).toBeLessThan(12)
    })

    it('doubles also when fragments are cut: what one announces is not the length of the message', () => {
      let copies = 0
      let before = 0
      for (let i = 0; i < 300; i += 1) {
        assembler.dataFrameStart(i === 0 ? Opcode.Binary : Opcode.Continuation, false, 20)
        for (let piece = 0; piece < 2; piece += 1) {
          assembler.dataFramePayload(new Uint8Array(10), 0, 10)
          if (assembler.capacity !== before) copies += 1
          before = assembler.capacity
        }
        assembler.dataFrameEnd(false)
      }
      expect(copies).toBeLessThan(12)
    })

    it('goes on in blocks when the last frame announces nothing: an extension does not know what will come', () => {
      assembler.dataFrame(Opcode.Binary, false, new Uint8Array(100_000), 0, 100_000)
      const before = assembler.capacity
      assembler.dataFrameStart(Opcode.Continuation, true, 0)
      assembler.dataFramePayload(new Uint8Array(10), 0, 10)
      expect(assembler.capacity).toBe(before)
      assembler.dataFrameEnd(true)
      expect(target.messages.map(({ end }) => end)).toEqual([100_010])
    })
  })
})
