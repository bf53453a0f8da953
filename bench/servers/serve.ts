import type { AddressInfo, Server } from 'node:net'

/** Listens on a free port, prints it, and ends with stdin: what `startServer` expects. */
export function serve(server: Server): void {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => announce((server.address() as AddressInfo).port))
}

/**
 * Prints the port. For each byte that comes on stdin it prints what the process has used, and for a `g` it collects
 * garbage before that. Ends the process when stdin ends.
 */
export function announce(port: number): void {
  console.log(JSON.stringify({ port }))
  process.stdin.on('data', (bytes: Buffer) => {
    for (const byte of bytes) {
      if (byte === 0x67) globalThis.gc?.()
      console.log(JSON.stringify(figures()))
    }
  })
  process.stdin.on('end', () => process.exit(0))
}

/** `ProcessFigures` of `support/server-process.ts`. */
function figures() {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    heapBytes: heapUsed + external,
  }
}
