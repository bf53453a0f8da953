import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ConnectionClosedError, UsageError } from '../../src/errors.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { readFrames } from '../support/connection-pair.ts'
import { settle } from '../support/memory-transport.ts'

/** A source whose pieces come when the test says so. */
class Source implements AsyncIterable<string | Uint8Array> {
  readonly #pieces: Array<() => IteratorResult<string | Uint8Array>> = []
  #wake: () => void = () => {}
  hasReturned = false
  asked = 0

  give(piece: string | Uint8Array): void {
    this.#add(() => ({ done: false, value: piece }))
  }
  end(): void {
    this.#add(() => ({ done: true, value: undefined }))
  }
  fail(error: Error): void {
    this.#add(() => {
      throw error
    })
  }
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return {
      next: async () => {
        this.asked += 1
        while (this.#pieces.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
        return this.#pieces.shift()!()
      },
      return: async () => {
        this.hasReturned = true
        return { done: true, value: undefined }
      },
    }
  }
  #add(piece: () => IteratorResult<string | Uint8Array>): void {
    this.#pieces.push(piece)
    this.#wake()
  }
}

/** The payload of a message in fragments, which must be one message. */
function joined(connection: ConnectionInMemory): { opcode: number; text: string; fragments: number } {
  const frames = readFrames(connection.transport.takeWritten())
  expect(frames.map(({ fin }) => fin)).toEqual(frames.map((_, i) => i === frames.length - 1))
  expect(frames.slice(1).every(({ opcode }) => opcode === 0)).toBe(true)
  const text = Buffer.concat(frames.map(({ payload }) => payload)).toString()
  return { opcode: frames[0]!.opcode, text, fragments: frames.length }
}

describe('sendStream()', () => {
  it('sends fragments as the source gives them (§5.4) [6455-5.4-3]', async () => {
    const connection = new ConnectionInMemory()
    const source = new Source()
    const sent = connection.ws.sendStream(source)
    source.give('one')
    await settle()
    expect(connection.takeFrames()).toEqual(['text... 6f 6e 65'])
    source.give('two')
    await settle()
    expect(connection.takeFrames()).toEqual(['continuation... 74 77 6f'])
    source.end()
    await sent
    expect(connection.takeFrames()).toEqual(['continuation'])
  })

  const web = (...pieces: Uint8Array[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece)
        controller.close()
      },
    })
  it.each([
    [
      'a generator of text',
      () =>
        (function* () {
          yield 'ab'
          yield 'c'
        })(),
      {},
      1,
    ],
    ['a list of bytes', () => [Buffer.from('ab'), new Uint16Array([0x63]).subarray(0, 1)], {}, 2],
    ['bytes as text', () => [Buffer.from('abc')], { binary: false }, 1],
    ['text as binary', () => ['abc'], { binary: true }, 2],
    ['a Web stream', () => web(Buffer.from('ab'), Buffer.from('c')), {}, 2],
    ['a Node stream', () => Readable.from([Buffer.from('ab'), Buffer.from('c')]), {}, 2],
  ] as const)('takes %s', async (_, source, options, opcode) => {
    const connection = new ConnectionInMemory()
    await connection.ws.sendStream(source() as Iterable<string>, options)
    const message = joined(connection)
    expect(message.opcode).toBe(opcode)
    expect(message.text.replace('\0', '')).toBe('abc')
  })

  it('sends an empty message for an empty source: text, unless binary says otherwise', async () => {
    const connection = new ConnectionInMemory()
    await connection.ws.sendStream([])
    await connection.ws.sendStream([''], { binary: true })
    await connection.ws.sendStream([new Uint8Array(0)])
    expect(connection.takeFrames()).toEqual(['text ""', 'binary', 'binary'])
  })

  it('cuts long pieces into fragments, text between characters', async () => {
    const connection = new ConnectionInMemory()
    await connection.ws.sendStream([new Uint8Array(25)], { fragmentSize: 10 })
    expect(readFrames(connection.transport.takeWritten()).map(({ payload }) => payload.length)).toEqual([10, 10, 5, 0])
    const text = 'aé€🎈'.repeat(50)
    await connection.ws.sendStream([text], { fragmentSize: 16 })
    const frames = readFrames(connection.transport.takeWritten())
    for (const { payload } of frames) {
      expect(payload.length).toBeLessThanOrEqual(16)
      new TextDecoder('utf-8', { fatal: true }).decode(payload)
    }
    expect(Buffer.concat(frames.map(({ payload }) => payload)).toString()).toBe(text)
  })

  it('puts characters together that its source has cut, as text or as bytes [6455-5.6-1]', async () => {
    const connection = new ConnectionInMemory()
    await connection.ws.sendStream(['a🎈'.slice(0, 2), '🎈b'.slice(1)])
    expect(joined(connection).text).toBe('a🎈b')
    const bytes = Buffer.from('€uro')
    await connection.ws.sendStream([bytes.subarray(0, 1), bytes.subarray(1)], { binary: false })
    expect(joined(connection).text).toBe('€uro')
  })

  it('asks for more only when the transport has nothing left to send', async () => {
    const { ws, transport } = new ConnectionInMemory()
    transport.stall()
    const source = new Source()
    for (let i = 0; i < 10; i += 1) source.give(new Uint8Array(20_000))
    source.end()
    const sent = ws.sendStream(source)
    for (let i = 1; i <= 10; i += 1) {
      await settle()
      expect(source.asked).toBe(i)
      expect(ws.bufferedAmount).toBe(20_004)
      transport.finishWrite()
    }
    transport.unstall()
    await sent
  })

  it('lets control frames in between its fragments (§5.4) [6455-5.4-1]', async () => {
    const connection = new ConnectionInMemory()
    const source = new Source()
    const sent = connection.ws.sendStream(source)
    source.give('a')
    await settle()
    connection.ws.ping()
    await connection.transport.arrive(clientFrame({ opcode: 9, payload: '?' }))
    source.give('b')
    source.end()
    await sent
    expect(connection.takeFrames()).toEqual(['text... 61', 'ping', 'pong 3f', 'continuation... 62', 'continuation'])
  })

  it('keeps its place: what was sent before goes before, what is sent meanwhile after (§5.4) [6455-5.4-4]', async () => {
    const connection = new ConnectionInMemory()
    const { ws, transport } = connection
    const source = new Source()
    transport.stall()
    ws.send('1')
    await settle()
    ws.send('2')
    const sent = [ws.sendStream(source), ws.sendStream(['4'])]
    ws.send('5')
    transport.unstall()
    source.give('3')
    await settle()
    ws.send('6')
    source.end()
    await Promise.all(sent)
    await settle()
    const messages = readFrames(transport.takeWritten()).map(({ payload }) => Buffer.from(payload).toString())
    expect(messages.join('')).toBe('123456')
  })

  it('lines up only with its first piece when the order does not matter', async () => {
    const connection = new ConnectionInMemory()
    const source = new Source()
    const sent = connection.ws.sendStream(source, { inOrder: false })
    connection.ws.send('sent meanwhile')
    await settle()
    source.give('first piece')
    await settle()
    connection.ws.send('sent after')
    source.end()
    await sent
    await settle()
    expect(connection.takeFrames().map((frame) => frame.slice(0, 7))).toEqual([
      'text "s',
      'text...',
      'continu',
      'text "s',
    ])
  })

  it('refuses fragments meanwhile, and to begin inside a message of fragments', async () => {
    const { ws } = new ConnectionInMemory()
    const source = new Source()
    const sent = ws.sendStream(source)
    expect(() => ws.send('a', { fin: false })).toThrow(UsageError)
    source.end()
    await sent
    ws.send('a', { fin: false })
    await expect(ws.sendStream([])).rejects.toThrow(UsageError)
  })

  it.each([
    ['text', 'a string'],
    ['bytes', new Uint8Array(3)],
    ['nothing', undefined],
    ['a number', 7],
    ['an object that is not iterable', {}],
  ])('refuses %s for a source', async (_, source) => {
    const connection = new ConnectionInMemory()
    await expect(connection.ws.sendStream(source as never)).rejects.toThrow('not iterable')
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
  })

  const boom = new Error('boom')

  it('ends the connection with 1011 when the source fails in the middle: a part is no message', async () => {
    const connection = new ConnectionInMemory()
    const { ws } = connection
    const source = new Source()
    const sent = expect(ws.sendStream(source)).rejects.toBe(boom)
    const behind = new Promise((resolve) => {
      source.give('a')
      void settle().then(() => ws.send('behind', resolve))
    })
    await settle()
    source.fail(boom)
    await sent
    expect(await behind).toBeInstanceOf(ConnectionClosedError)
    await settle()
    expect(connection.takeFrames()).toEqual(['text... 61', 'close 1011 "a streamed message could not be completed"'])
    await connection.transport.arrive(clientClose(1011))
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([{ cause: 'stream-aborted', wasClean: true }])
  })

  it.each([
    ['fails', false, async (source: Source) => source.fail(boom)],
    ['gives what is no message', true, async (source: Source) => source.give({} as never)],
    ['is not asked any more, by signal', true, async (_: Source, aborter: AbortController) => aborter.abort(boom)],
  ])('leaves the connection as it is when the source %s before anything was sent', async (_, mustEnd, spoil) => {
    const connection = new ConnectionInMemory()
    const source = new Source()
    const controller = new AbortController()
    const sent = expect(connection.ws.sendStream(source, { signal: controller.signal })).rejects.toThrow()
    await spoil(source, controller)
    await sent
    // A source that failed has ended by itself.
    expect(source.hasReturned).toBe(mustEnd)
    connection.ws.send('next')
    await settle()
    expect(connection.takeFrames()).toEqual(['text "next"'])
  })

  it.each([
    ['waits for its source', false],
    ['waits for the transport', true],
  ])('ends at once when its signal is aborted while it %s', async (_, isStalled) => {
    const connection = new ConnectionInMemory()
    const source = new Source()
    const controller = new AbortController()
    const sent = expect(connection.ws.sendStream(source, { signal: controller.signal })).rejects.toBe(boom)
    if (isStalled) connection.transport.stall()
    source.give('a')
    await settle()
    controller.abort(boom)
    await sent
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames().at(-1)).toMatch(/^close 1011/)
    expect(source.hasReturned).toBe(true)
  })

  it('does not begin when its signal is aborted already, and gives its place in the line back', async () => {
    const connection = new ConnectionInMemory()
    const first = new Source()
    const sent = connection.ws.sendStream(first)
    await expect(connection.ws.sendStream(['x'], { signal: AbortSignal.abort(boom) })).rejects.toBe(boom)
    first.give('a')
    first.end()
    connection.ws.send('next')
    await sent
    await settle()
    expect(connection.takeFrames()).toEqual(['text... 61', 'continuation', 'text "next"'])
  })

  it.each([
    ['the peer closes', (c: ConnectionInMemory) => c.transport.arrive(clientClose(1000))],
    ['the application closes', (c: ConnectionInMemory) => c.ws.close()],
    ['the application terminates', (c: ConnectionInMemory) => c.ws.terminate()],
    ['the transport breaks', (c: ConnectionInMemory) => c.transport.destroy()],
  ] as const)('rejects with ConnectionClosedError when %s, and lets go of the source', async (_, end) => {
    const connection = new ConnectionInMemory()
    const [source, waiting] = [new Source(), new Source()]
    const sent = [connection.ws.sendStream(source), connection.ws.sendStream(waiting)]
    const rejected = Promise.all(sent.map((each) => expect(each).rejects.toBeInstanceOf(ConnectionClosedError)))
    source.give('a')
    await settle()
    await end(connection)
    await rejected
    expect([source.hasReturned, waiting.hasReturned]).toEqual([true, true])
    await expect(connection.ws.sendStream(['late'])).rejects.toBeInstanceOf(ConnectionClosedError)
  })

  it('refuses text that is not UTF-8, and a cut character that is not completed [6455-5.6-1]', async () => {
    for (const pieces of [[Uint8Array.of(0xff)], ['🎈'.slice(0, 1), Uint8Array.of(0x61)]]) {
      const connection = new ConnectionInMemory()
      await expect(connection.ws.sendStream(pieces, { binary: false })).rejects.toThrow(UsageError)
    }
  })

  it('gives the event loop a turn after 64 KiB, however much the transport takes', async () => {
    const { ws } = new ConnectionInMemory()
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    await ws.sendStream(Array(64).fill(new Uint8Array(16_384)))
    isOver = true
    expect(turns).toBeGreaterThanOrEqual(15)
  })
})

describe('the end of a source', () => {
  const first = new Error('the first thing that went wrong')

  /** An iterator that was written by hand, with what each step does. */
  function source(steps: Array<() => unknown>, whenReturned: () => unknown): { asked: string[]; iterable: never } {
    const asked: string[] = []
    const iterator = {
      next: () => {
        asked.push('next')
        return steps.shift()!()
      },
      return: () => {
        asked.push('return')
        return whenReturned()
      },
    }
    return { asked, iterable: { [Symbol.asyncIterator]: () => iterator } as never }
  }

  const piece = () => ({ done: false, value: 'one' })
  const fails = () => {
    throw first
  }

  it.each([
    ['throws', [piece, fails]],
    ['rejects', [piece, () => Promise.reject(first)]],
    ['throws at once', [fails]],
  ])('is not asked for again when it %s', async (_, steps) => {
    const { asked, iterable } = source(steps, () => ({ done: true, value: undefined }))
    const connection = new ConnectionInMemory()
    await expect(connection.ws.sendStream(iterable)).rejects.toBe(first)
    expect(asked).not.toContain('return')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('the second')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the second'))],
    ['is no function of an iterator', () => 5],
  ])('may go wrong too, and the first error is what the caller hears: return() %s', async (_, whenReturned) => {
    const { asked, iterable } = source([piece, () => ({ done: false, value: Symbol('no piece') })], whenReturned)
    const connection = new ConnectionInMemory()
    await expect(connection.ws.sendStream(iterable)).rejects.toThrow('cannot send a value of type symbol')
    expect(asked).toEqual(['next', 'next', 'return'])
  })

  it('is told when it answers with what is no iterator result', async () => {
    const { iterable } = source([() => undefined], () => undefined)
    const connection = new ConnectionInMemory()
    await expect(connection.ws.sendStream(iterable)).rejects.toThrow(UsageError)
  })

  it('is not asked for when it was reached', async () => {
    const { asked, iterable } = source([piece, () => ({ done: true, value: undefined })], () => undefined)
    const connection = new ConnectionInMemory()
    await connection.ws.sendStream(iterable)
    expect(asked).toEqual(['next', 'next'])
  })
})
