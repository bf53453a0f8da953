import { describe, expect, it } from 'vitest'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import { clientClose, clientFrame, clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { stop, TestServer } from '../support/test-server.ts'

/** What docs/closing.md says of peers that break the closing handshake themselves. */
const CLOSINGS: ReadonlyArray<{
  readonly peer: string
  readonly does: (raw: RawSocket) => Promise<void> | void
  readonly sees: object
  /** Status code of the Close frame that the peer gets; null: none. */
  readonly sent: number | null
}> = [
  {
    peer: 'sends its Close frame unmasked',
    does: (raw) => raw.write(clientFrame({ opcode: 0x8, payload: Uint8Array.of(3, 232), maskingKey: null })),
    sees: { code: 1006, sentCode: 1002, cause: 'protocol-violation', requirement: '6455-5.1-2', wasClean: false },
    sent: 1002,
  },
  {
    peer: 'sends the status code 1005',
    does: (raw) => raw.write(clientClose(1005)),
    sees: { code: 1006, sentCode: 1002, cause: 'protocol-violation', requirement: '6455-7.4.1-3', wasClean: false },
    sent: 1002,
  },
  {
    peer: 'sends the status code 1006',
    does: (raw) => raw.write(clientClose(1006)),
    sees: { code: 1006, sentCode: 1002, cause: 'protocol-violation', requirement: '6455-7.4.1-4', wasClean: false },
    sent: 1002,
  },
  {
    peer: 'ends its side without a Close frame',
    does: (raw) => raw.end(),
    sees: { code: 1006, sentCode: 0, cause: 'transport-ended', requirement: null, wasClean: false },
    sent: null,
  },
  {
    peer: 'resets the connection',
    does: (raw) => raw.reset(),
    sees: { code: 1006, sentCode: 0, cause: 'transport-error', requirement: null, wasClean: false },
    sent: null,
  },
  {
    peer: 'sends a Close frame without a body',
    does: (raw) => raw.write(clientClose()),
    sees: { code: 1005, sentCode: 1005, cause: 'closed-by-peer', requirement: null, wasClean: true },
    sent: 1005,
  },
]

describe('a peer that', () => {
  it.each(CLOSINGS)('$peer: the application sees $sees', async ({ does, sees, sent }) => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    await raw.write(clientText('before'))
    expect((await readServerFrame(raw)).opcode).toBe(0x1)
    await does(raw)
    if (sent !== null) expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(sent)
    // Whoever has its answer lets go of TCP.
    raw.end()
    expect(await within(ws.closed, 'the end')).toMatchObject(sees)
    raw.destroy()
  })

  it.each([
    ['an unmasked Close frame', clientFrame({ opcode: 0x8, payload: Uint8Array.of(3, 232), maskingKey: null })],
    ['the status code 1005', clientClose(1005)],
  ])('answers our Close frame with %s: 1006, and the rule it broke', async (_, answer) => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    ws.close(1000)
    expect((await readServerFrame(raw)).opcode).toBe(0x8)
    await raw.write(answer)
    raw.end()
    expect(await within(ws.closed, 'the end')).toMatchObject({
      code: 1006,
      sentCode: 1000,
      cause: 'protocol-violation',
    })
    raw.destroy()
  })

  it('answers our Close frame by ending TCP: 1006', async () => {
    await using server = await TestServer.start()
    const { raw, ws } = await server.open()
    ws.close(1000)
    expect((await readServerFrame(raw)).opcode).toBe(0x8)
    raw.end()
    const seen = await within(ws.closed, 'the end')
    expect(seen).toMatchObject({ code: 1006, sentCode: 1000, cause: 'transport-ended', wasClean: false })
  })

  it('sends its Close frame unmasked: framewright/ws says what it says here', async () => {
    const server = new CompatServer({ port: 0, host: '127.0.0.1' })
    const { port } = await within(server.listening, 'the server')
    const closed = new Promise<number>((resolve) => {
      server.on('connection', (ws) => ws.on('error', () => {}).on('close', resolve))
    })
    const { raw } = await openRawWebSocket(port)
    await raw.write(clientFrame({ opcode: 0x8, maskingKey: null }))
    raw.end()
    expect(await within(closed, 'the end')).toBe(1006)
    raw.destroy()
    await stop(server)
  })
})

it('a peer that was sent 1002 and keeps TCP open is destroyed after closeTimeout, and that is the cause', async () => {
  const clock = new FakeClock()
  await using server = await TestServer.start({ clock, heartbeat: false, closeTimeout: 5000 })
  const { raw, ws } = await server.open()
  await raw.write(clientFrame({ opcode: 0x8, payload: Uint8Array.of(3, 232), maskingKey: null }))
  expect(readClosePayload((await readServerFrame(raw)).payload).statusCode).toBe(1002)
  clock.advance(4999)
  expect(ws.readyState).toBe(ws.CLOSING)
  clock.advance(1)
  expect(await within(ws.closed, 'the end')).toMatchObject({
    code: 1006,
    sentCode: 1002,
    cause: 'close-timeout',
    requirement: '6455-5.1-2',
    wasClean: false,
  })
  raw.destroy()
})
