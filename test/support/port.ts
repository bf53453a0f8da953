import type { AddressInfo, Server } from 'node:net'

/** The port a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
