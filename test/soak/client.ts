import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CloseCause, WebSocket } from '../../src/index.ts'
import type { ConnectionInFlight } from './in-flight.ts'
import { checkPayload } from './payload.ts'
import { Plan } from './plan.ts'
import { sendPlanned } from './sending.ts'

/** One connection of the load. */
export interface Course {
  readonly port: number
  /** Seed of the run. */
  readonly seed: number
  /** Number of the connection; with the seed it says all that happens. */
  readonly index: number
  /** Whether a fault may end the connection, so that only the beginning of what was sent arrives. */
  readonly mayBreak: boolean
  /** Milliseconds before the next message. */
  readonly pauseMs: () => number
  /** Where what is under way is counted. */
  readonly flight: ConnectionInFlight
  /** Called when the opening handshake is over, however it went. */
  readonly onOpened: () => void
}

/**
 * Plays a connection from its handshake to its end.
 *
 * @returns what went wrong, or null
 */
export async function playConnection({
  port,
  seed,
  index,
  mayBreak,
  pauseMs,
  flight,
  onOpened,
}: Course): Promise<string | null> {
  const sent = new Plan(seed, index)
  const due = new Plan(seed, index)
  let [received, pings, pongs] = [0, 0, 0]
  let wrong: string | null = null
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const ws = new WebSocket(`ws://127.0.0.1:${port}/${index}`, [], {
    perMessageDeflate: sent.deflates,
    textFormat: 'buffer',
    // Longer than any machine is busy: time is not what is tested here.
    handshakeTimeout: 120_000,
    closeTimeout: 60_000,
    heartbeat: false,
    createConnection: () => socket,
  })
  ws.on('error', () => {})
  ws.on('pong', () => pongs++)
  ws.on('message', (data, isBinary) => {
    if (wrong !== null) return
    wrong =
      received >= due.messages
        ? `message ${received} after the last one`
        : checkPayload(due.next(), received, data as Buffer, isBinary)
    received++
    flight.cameBack((data as Buffer).length)
    if (wrong !== null) ws.terminate()
    else if (received === due.messages) endAs(due, ws, socket)
  })
  void Promise.race([new Promise<void>((resolve) => ws.once('open', resolve)), ws.closed]).then(onOpened)
  ws.on('open', () => {
    sendAll().catch((error: Error) => {
      wrong ??= `sending: ${error.message}`
      ws.terminate()
    })
  })

  async function sendAll(): Promise<void> {
    for (let sequence = 0; sequence < sent.messages && ws.readyState === ws.OPEN; sequence++) {
      const planned = sent.next()
      if (planned.pings) {
        pings++
        ws.ping()
      }
      flight.sent(planned.size)
      await sendPlanned(ws, planned, sequence)
      await pause(pauseMs())
    }
  }

  const { cause, code, wasClean, requirement } = await ws.closed
  flight.over()
  if (wrong !== null) return wrong
  // A fault may cut the server's response short, which breaks a rule as well.
  const isCut = mayBreak && cause === CloseCause.HandshakeFailed
  if (requirement !== null && !isCut) return `${cause}, ${requirement}`
  if (mayBreak) return null
  if (received < due.messages) return `${received} of ${due.messages} messages came back; ${cause}, ${code}`
  const closes = due.ending === 'client' || due.ending === 'server'
  if (closes && !wasClean) return `the close is not clean: ${cause}, ${code}`
  return closes && pongs !== pings ? `${pongs} pongs for ${pings} pings` : null
}

function endAs({ ending }: Plan, ws: WebSocket, socket: Socket): void {
  if (ending === 'client') ws.close(1000, 'done')
  else if (ending === 'reset') socket.resetAndDestroy()
  else if (ending === 'terminate') ws.terminate()
}
