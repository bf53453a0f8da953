import type { AddressInfo, Server } from 'node:net'

/** Listens on a free port, prints it, and ends with stdin: what `startServer` expects. */
export function serve(server: Server): void {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => announce((server.address() as AddressInfo).port))
}

/** Prints the port, collects garbage for each byte that comes on stdin, and ends the process when stdin ends. */
export function announce(port: number): void {
  console.log(JSON.stringify({ port }))
  process.stdin.on('data', () => {
    globalThis.gc?.()
    console.log('{}')
  })
  process.stdin.on('end', () => process.exit(0))
}
