import { describe, expect, it } from 'vitest'
import { clientClose, clientText, readServerFrame } from '../support/client-frames.ts'
import { isPeerGone } from '../support/peer-gone.ts'
import { openRawWebSocket, RawSocket } from '../support/raw-socket.ts'
import { row } from './support/row.ts'
import { KIND, Target } from './support/target.ts'

async function echoOn(raw: RawSocket, text: string): Promise<void> {
  await raw.write(clientText(text))
  expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe(text)
}

/** A connection, or none where the server drops it before it is told. */
async function connectIfTaken(port: number): Promise<RawSocket | undefined> {
  try {
    return await RawSocket.connect(port)
  } catch (error) {
    if (!isPeerGone(error)) throw error
    return undefined
  }
}

describe('the process', () => {
  it('D06: too few file descriptors end no connection, and new ones come when there are some again', {
    timeout: 60_000,
  }, async () => {
    await using target = await Target.start(['prlimit', '--nofile=100'])
    const port = await target.serve()
    const { raw: canary } = await openRawWebSocket(port)
    const crowd = await Promise.all(Array.from({ length: 150 }, () => connectIfTaken(port)))
    await echoOn(canary, 'still here')
    const { cpu, uncaught } = await target.measure(false)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await target.measure(false)).cpu - cpu).toBeLessThan(150_000)
    expect(uncaught).toEqual([])
    for (const raw of crowd) raw?.reset()
    await target.until((now) => now.sockets <= 2, 'the crowd to be gone')
    const { raw: late } = await openRawWebSocket(port)
    await echoOn(late, 'room again')
    for (const raw of [canary, late]) raw.reset()
  })

  it(`D30: ${KIND === 'ws' ? '(no heartbeat to go wrong) ' : ''}a process that was stopped for a while gives nobody up for dead`, {
    timeout: 60_000,
  }, async () => {
    await using target = await Target.start()
    const port = await target.serve({ ours: { heartbeat: 500 } })
    const raws = await Promise.all(Array.from({ length: 20 }, async () => (await openRawWebSocket(port)).raw))
    target.process.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    target.process.kill('SIGCONT')
    for (const raw of raws) await echoOn(raw, 'awake')
    expect((await target.measure()).closes).toEqual([])
    for (const raw of raws) raw.reset()
  })

  row(
    {
      ids: ['D29'],
      title: 'a shutdown says 1001 to everybody and ends those that do not answer',
      profile: { closeTimeout: 300 },
    },
    async ({ target, before }) => {
      const port = await target.serve({ closeTimeout: 300 })
      const raws = await Promise.all(Array.from({ length: 20 }, async () => (await openRawWebSocket(port)).raw))
      const isOver = target.shutdown(port)
      for (const [i, raw] of raws.entries()) {
        const { opcode, payload } = await readServerFrame(raw)
        expect([opcode, ...payload.subarray(0, 2)]).toEqual([8, 1001 >> 8, 1001 & 255])
        if (i % 2 === 0) await raw.write(clientClose(1001))
      }
      await isOver
      const after = await target.until((now) => now.connections === before.connections, 'everybody to be gone')
      expect(after.closes.length - before.closes.length).toBe(20)
      for (const raw of raws) raw.reset()
      await target.stop(port)
    },
  )
})
