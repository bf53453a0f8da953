import type { WebSocket } from '../../src/index.ts'
import { makePayload } from './payload.ts'
import type { PlannedMessage } from './plan.ts'

/** Sends one planned message, in its fragments; a connection that is closing meanwhile is no fault. */
export async function sendPlanned(ws: WebSocket, planned: PlannedMessage, sequence: number): Promise<void> {
  const payload = makePayload(planned, sequence)
  if (planned.fragments === 1) {
    ws.send(payload, { binary: !planned.isText })
    return
  }
  await ws.sendStream(pieces(payload, planned.fragments), { binary: !planned.isText }).catch((error: Error) => {
    if (ws.readyState === ws.OPEN) throw error
  })
}

async function* pieces(payload: Buffer, count: number): AsyncGenerator<Buffer> {
  const length = Math.ceil(payload.length / count)
  for (let i = 0; i < count; i++) yield payload.subarray(i * length, (i + 1) * length)
}
