import { expect, it, vi } from 'vitest'
import { clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'

const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

it('warns once when messages are held for some seconds and nobody listens', async () => {
  const listening = new ConnectionInMemory()
  listening.ws.on('message', () => {})
  const [paused, iterated, late, forgotten, another] = Array.from({ length: 5 }, () => new ConnectionInMemory())
  paused!.ws.pause()
  void iterated!.ws.messages().next()
  for (const { transport } of [listening, paused!, iterated!, late!])
    await transport.arrive(clientText('a'), clientText('b'))
  late!.clock.advance(4000)
  late!.ws.on('message', () => {})
  for (const { clock } of [listening, paused!, iterated!, late!]) clock.advance(15_000)
  expect(warn.mock.calls).toEqual([])

  await forgotten!.transport.arrive(clientText('a'))
  forgotten!.clock.advance(5000)
  expect(warn.mock.calls).toEqual([])
  forgotten!.clock.advance(1000)
  expect(warn.mock.calls).toEqual([
    [expect.stringContaining("nobody listens to 'message'"), { code: 'FRAMEWRIGHT_MESSAGES_HELD' }],
  ])
  await another!.transport.arrive(clientText('a'))
  for (const { clock } of [forgotten!, another!]) clock.advance(15_000)
  expect(warn).toHaveBeenCalledTimes(1)
})
