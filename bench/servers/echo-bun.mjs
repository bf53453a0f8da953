// Run by Bun, with Bun's own WebSocket server. Prints its port and ends when stdin does, as `serve.ts` has it.
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('', { status: 426 })),
  websocket: {
    maxPayloadLength: 16 << 20,
    idleTimeout: 0,
    perMessageDeflate: false,
    backpressureLimit: 64 << 20,
    message(ws, message) {
      ws.send(message)
    },
  },
})
console.log(JSON.stringify({ port: server.port }))
for await (const _ of Bun.stdin.stream()) {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6 }))
}
process.exit(0)
