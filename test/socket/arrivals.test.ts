import { EventEmitter, getEventListeners, on, once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { MessageStream } from '../../src/socket/message-stream.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { within } from '../support/deadline.ts'
import { settle } from '../support/memory-transport.ts'

/** An iterator that is handed out, and the hand that gives it items. */
interface Case {
  readonly iterator: AsyncIterableIterator<unknown>
  /** Makes an item arrive. */
  give(text: string): Promise<void>
  /** An item as text. */
  read(item: unknown): Promise<string>
  /** What the next consumer gets; undefined: nothing is kept for one. */
  readonly rest?: (count: number) => Promise<string[]>
}

async function messagesCase(signal?: AbortSignal): Promise<Case> {
  const { ws, transport } = new ConnectionInMemory()
  const textOf = async (item: unknown): Promise<string> => String((item as { data: string }).data)
  return {
    iterator: ws.messages({ signal }),
    give: (text) => transport.arrive(clientText(text)),
    read: textOf,
    rest: (count) => take(ws.messages(), count, textOf),
  }
}

async function streamsCase(signal?: AbortSignal): Promise<Case> {
  const { ws, transport } = new ConnectionInMemory()
  const textOf = (item: unknown): Promise<string> => (item as MessageStream).text()
  return {
    iterator: ws.streams({ signal }),
    give: (text) => transport.arrive(clientText(text)),
    read: textOf,
    rest: (count) => take(ws.streams(), count, textOf),
  }
}

async function piecesCase(signal?: AbortSignal): Promise<Case> {
  const { ws, transport } = new ConnectionInMemory()
  const streams = ws.streams({ signal })
  const [first] = await Promise.all([streams.next(), transport.arrive(clientFrame({ opcode: 2, fin: false }))])
  return {
    iterator: (first.value as MessageStream)[Symbol.asyncIterator](),
    give: (text) => transport.arrive(clientFrame({ opcode: 0, fin: false, payload: text })),
    read: async (item) => String(item),
  }
}

/** Node's own iterator over what arrives, beside ours. */
async function eventsCase(signal?: AbortSignal): Promise<Case> {
  const emitter = new EventEmitter()
  return {
    iterator: on(emitter, 'item', signal === undefined ? {} : { signal }) as AsyncIterableIterator<unknown>,
    give: async (text) => {
      emitter.emit('item', text)
      await settle()
    },
    read: async (item) => String((item as string[])[0]),
  }
}

async function take(
  iterator: AsyncIterator<unknown>,
  count: number,
  read: (item: unknown) => Promise<string>,
): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) taken.push(await read((await within(iterator.next(), 'an item')).value))
  await iterator.return?.()
  return taken
}

const OURS = [
  ['messages()', messagesCase],
  ['streams()', streamsCase],
  ['the pieces of a stream', piecesCase],
] as const
const ALL = [...OURS, ['events.on', eventsCase]] as const
const DONE = { done: true, value: undefined }

describe.each(ALL)('%s', (_, make) => {
  it('answers a next() that waits when it is left, and takes nothing for it', async () => {
    const { iterator, give, rest } = await make()
    const waiting = [iterator.next(), iterator.next()]
    expect(await within(iterator.return!(), 'return()')).toEqual(DONE)
    expect(await within(Promise.all(waiting), 'next()')).toEqual([DONE, DONE])
    await give('a')
    expect(await iterator.next()).toEqual(DONE)
    if (rest !== undefined) expect(await rest(1)).toEqual(['a'])
  })

  it('answers several next() at once in the order in which they were asked', async () => {
    const { iterator, give, read } = await make()
    const waiting = [iterator.next(), iterator.next()]
    await give('a')
    await give('b')
    const texts: string[] = []
    for (const { value } of await within(Promise.all(waiting), 'two items')) texts.push(await read(value))
    expect(texts).toEqual(['a', 'b'])
  })

  it('ends with the reason of a signal that was aborted before', async () => {
    const reason = new Error('enough')
    const iterate = async (): Promise<void> => {
      const { iterator } = await make(AbortSignal.abort(reason))
      for await (const _ of iterator) expect.unreachable()
    }
    // Node wraps the reason in an AbortError.
    const failure = await iterate().catch((error: Error) => error.cause ?? error)
    expect(failure).toBe(reason)
  })

  it('ends with its signal while something is always there to take', async () => {
    const controller = new AbortController()
    const { iterator, give, rest } = await make(controller.signal)
    const reason = new Error('enough')
    const first = iterator.next()
    for (const text of ['a', 'b', 'c', 'd']) await give(text)
    await within(first, 'the first item')
    await within(iterator.next(), 'the second item')
    controller.abort(reason)
    if (rest === undefined) return
    await expect(within(iterator.next(), 'the end')).rejects.toBe(reason)
    expect(await iterator.next()).toEqual(DONE)
    expect(await rest(2)).toEqual(['c', 'd'])
  })

  it('leaves nothing on a signal that lives on', async () => {
    const { signal } = new AbortController()
    const thrown = new Error('thrown')
    const expectThrown = (error: unknown): typeof DONE => {
      expect(error).toBe(thrown)
      return DONE
    }
    for (const leave of ['return', 'throw'] as const) {
      const { iterator } = await make(signal)
      const waiting = iterator.next().catch(expectThrown)
      const before = getEventListeners(signal, 'abort').length
      // That of `events.on` answers `throw()` with nothing, and rejects the `next()` that waits.
      await Promise.resolve(iterator[leave]!(thrown)).catch(expectThrown)
      expect(await within(waiting, 'next()')).toEqual(DONE)
      expect(getEventListeners(signal, 'abort').length).toBeLessThan(before)
    }
  })
})

describe.each(OURS)('%s', (name, make) => {
  it('gives back what it is thrown, and ends', async () => {
    const { iterator, give, rest } = await make()
    const waiting = iterator.next()
    const thrown = new Error('thrown')
    await expect(within(iterator.throw!(thrown), 'throw()')).rejects.toBe(thrown)
    expect(await within(waiting, 'next()')).toEqual(DONE)
    await give('a')
    expect(await iterator.next()).toEqual(DONE)
    if (rest !== undefined) expect(await rest(1)).toEqual(['a'])
  })

  it('ends at once by the signal while nobody asks, and says so to who asks next, once', async () => {
    const controller = new AbortController()
    const { iterator, give, rest } = await make(controller.signal)
    const first = iterator.next()
    await give('a')
    await first
    const reason = new Error('enough')
    controller.abort(reason)
    await give('b')
    // It is free for others already.
    if (rest !== undefined) expect(await rest(1)).toEqual(['b'])
    await expect(iterator.next()).rejects.toBe(reason)
    expect(await iterator.next()).toEqual(DONE)
  })

  it('answers the first of several next() that wait with the reason of the signal', async () => {
    const controller = new AbortController()
    const { iterator } = await make(controller.signal)
    const waiting = [iterator.next(), iterator.next()]
    controller.abort(new Error('enough'))
    const [first, second] = await within(Promise.allSettled(waiting), 'the end')
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    expect(second).toEqual({ status: 'fulfilled', value: DONE })
  })

  it('is let go of by a Readable that is destroyed while it waits', async () => {
    const { iterator, give, rest } = await make()
    const readable = Readable.from(iterator)
    readable.read()
    await settle()
    readable.destroy()
    await within(once(readable, 'close'), 'the end of the Readable')
    await give('a')
    expect(await iterator.next()).toEqual(DONE)
    if (rest !== undefined) expect(await rest(1)).toEqual(['a'])
  })

  // Node 20.6 and later.
  it.skipIf(!('from' in ReadableStream))(
    'is let go of by a ReadableStream that is cancelled while it waits',
    async () => {
      const { iterator, give, rest } = await make()
      const { from } = ReadableStream as unknown as { from(items: AsyncIterable<unknown>): ReadableStream<unknown> }
      const reader = from.call(ReadableStream, iterator).getReader()
      const read = reader.read()
      await settle()
      await within(reader.cancel(), 'cancel()')
      await within(read, 'read()')
      await give('a')
      if (rest !== undefined) expect(await rest(1)).toEqual(['a'])
    },
  )

  it('that is left before it began takes nothing', async () => {
    const { iterator, give, rest } = await make()
    await give('a')
    expect(await iterator.return!()).toEqual(DONE)
    expect(await iterator.next()).toEqual(DONE)
    if (rest !== undefined) expect(await rest(1), name).toEqual(['a'])
  })

  it('is disposed of at the end of its scope', async () => {
    const { iterator } = await make()
    const waiting = iterator.next()
    await (iterator as unknown as AsyncDisposable)[Symbol.asyncDispose]()
    expect(await within(waiting, 'next()')).toEqual(DONE)
  })
})

describe('the pieces of a stream', () => {
  it('are not begun when the signal was aborted since the stream was given', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const controller = new AbortController()
    const first = ws.streams({ signal: controller.signal }).next()
    await transport.arrive(clientText('a'))
    const stream = (await first).value as MessageStream
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toBe(reason)
  })

  it('that are left before they began are not kept, and the connection goes on', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
    const streams = ws.streams({ highWaterMark: 1000 })
    const first = streams.next()
    await transport.arrive(clientFrame({ opcode: 2, fin: false, payload: new Uint8Array(200_000) }))
    expect(transport.isPaused()).toBe(true)
    const stream = (await first).value as MessageStream
    await stream[Symbol.asyncIterator]().return(undefined)
    await transport.arrive(clientFrame({ opcode: 0, payload: 'rest' }), clientText('next'))
    expect(await ((await streams.next()).value as MessageStream).text()).toBe('next')
  })

  it('of which another reader has begun are his when an iterator is left that had not', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const first = ws.streams().next()
    await transport.arrive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    const stream = (await first).value as MessageStream
    const late = stream[Symbol.asyncIterator]()
    const text = stream.text()
    await late.return(undefined)
    await transport.arrive(clientFrame({ opcode: 0, payload: 'b' }))
    expect(await text).toBe('ab')
  })
})

describe('iterations and the end of the connection', () => {
  it('a slow consumer gets what came before the end, and leaves nothing on its signal', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const { signal } = new AbortController()
    const messages = ws.messages({ signal })
    const first = messages.next()
    await transport.arrive(clientText('a'), clientText('b'), clientClose(1000))
    await transport.arriveEnd()
    await ws.closed
    // Who departed without a word does not stay on the signal for ever.
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const seen: unknown[] = [(await first).value]
    for await (const message of messages) seen.push(message)
    expect(seen).toEqual([
      { data: 'a', isBinary: false },
      { data: 'b', isBinary: false },
    ])
  })

  it.each(['arraybuffer', 'blob', 'fragments'] as const)(
    'streams() gives a message that was held while binaryType was %s',
    async (binaryType) => {
      const { ws, transport } = new ConnectionInMemory()
      ws.binaryType = binaryType
      await transport.arrive(clientFrame({ opcode: 2, payload: 'held' }), clientText('text'))
      const streams = ws.streams()
      const texts: string[] = []
      for (let i = 0; i < 2; i += 1) {
        texts.push(await ((await within(streams.next(), 'a stream')).value as MessageStream).text())
      }
      expect(texts).toEqual(['held', 'text'])
    },
  )

  it('a message that was held is given as binaryType says when it is taken', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientFrame({ opcode: 2, payload: 'held' }))
    ws.binaryType = 'blob'
    const { value } = await ws.messages().next()
    expect((value as { data: unknown }).data).toBeInstanceOf(Blob)
  })
})
