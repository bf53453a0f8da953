import { connect } from 'node:net'
import { upgradeRequest } from '../../support/raw-socket.ts'

const PING = Uint8Array.of(0x89, 0x80, 0, 0, 0, 0)

/**
 * Pings a server over TCP until `isOver`.
 *
 * @returns what `clock` says that each took, the shortest first
 */
export async function ping(port: number, clock: () => number, isOver: (count: number) => boolean): Promise<number[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let cause: Error | undefined
  socket.on('error', (error) => {
    cause = error
  })
  const cut = new Promise<'cut'>((resolve) => socket.once('close', () => resolve('cut')))
  const answer = async (): Promise<void> => {
    const data = new Promise((resolve) => socket.once('data', resolve))
    if ((await Promise.race([data, cut])) === 'cut') throw new Error('the pings were cut off', { cause })
  }
  socket.write(upgradeRequest(port))
  await answer()
  const all: number[] = []
  while (!isOver(all.length)) {
    const start = clock()
    socket.write(PING)
    await answer()
    all.push(clock() - start)
  }
  socket.resetAndDestroy()
  return all.sort((a, b) => a - b)
}
