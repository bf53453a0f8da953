import { connect } from 'node:net'
import type { WebSocket } from '../../src/index.ts'
import { upgradeRequest } from '../support/raw-socket.ts'

/** Peers that get compressed messages at the same time: more than there are threads, so that some always wait. */
const PEERS = 12
/** Messages that wait for each of them. */
const WINDOW = 2
/** A message: next to nothing on the wire. */
const MESSAGE = Buffer.alloc(256 << 10)
/** Bytes on the wire of one, at least. */
const LEAST_ON_WIRE = 200
/** Messages before `during` is called: what is kept of them is many times what is under way. */
const MESSAGES = 800
/** A machine that is busy does what it can in this time. */
const MOST_MS = 10_000

/** The path of a connection of a burst. */
export const BURST_PATH = '/burst'

/** The server's part: sends long compressed messages until the peer leaves. @param onSending - bytes more, or less, under way */
export function sendBurst(ws: WebSocket, onSending: (change: number) => void): void {
  const send = (): void => {
    if (ws.readyState !== ws.OPEN) return
    onSending(MESSAGE.length)
    ws.send(MESSAGE, { compress: true }, () => {
      onSending(-MESSAGE.length)
      send()
    })
  }
  for (let i = 0; i < WINDOW; i++) send()
}

/**
 * The peers: the threads of the server that compress have always something to do, until the burst is over. They inflate
 * nothing, so that they are not what it waits for.
 *
 * @param during - called once many messages are through, while the burst goes on
 * @returns what `during` returned
 */
export async function burst<T>(port: number, during: () => Promise<T>): Promise<T> {
  let bytes = 0
  let enough = (): void => {}
  const many = new Promise<void>((resolve) => {
    enough = resolve
  })
  const timer = setTimeout(enough, MOST_MS)
  const peers = Array.from({ length: PEERS }, () => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => {
      socket.write(upgradeRequest(port, ['Sec-WebSocket-Extensions: permessage-deflate'], BURST_PATH))
    })
    socket.on('error', () => {})
    socket.on('data', ({ length }) => {
      bytes += length
      if (bytes >= MESSAGES * LEAST_ON_WIRE) enough()
    })
    return socket
  })
  await many
  clearTimeout(timer)
  try {
    return await during()
  } finally {
    for (const socket of peers) socket.destroy()
  }
}
