import { connect } from 'node:net'
import { upgradeRequest } from '../support/raw-socket.ts'

/**
 * A half-open client: it opens a connection, and from then on says nothing at all, to Pings and Close frames neither.
 *
 * @param stop - lets go of it when the run is over
 * @returns whether the server gave it up, as it should; false when the run was over before
 */
export function runSilentClient(port: number, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let isGivenUp = false
    const letGo = (): void => void socket.destroy()
    stop.addEventListener('abort', letGo, { once: true })
    socket.on('connect', () => socket.write(upgradeRequest(port, [], '/silent')))
    socket.on('error', () => {})
    socket.on('end', () => {
      isGivenUp = true
      // Only a reset or time ends a half-open connection; here the end of the other half is enough to know.
      socket.destroy()
    })
    socket.resume()
    socket.on('close', (hadError) => {
      stop.removeEventListener('abort', letGo)
      resolve(isGivenUp || hadError)
    })
  })
}
