// Run by Deno, with Deno's own WebSocket server. Prints its port and ends when stdin does, as `serve.ts` has it.
import process from 'node:process'

Deno.serve(
  {
    port: 0,
    hostname: '127.0.0.1',
    onListen: ({ port }) => console.log(JSON.stringify({ port })),
  },
  (request) => {
    if (request.headers.get('upgrade') !== 'websocket') return new Response('', { status: 426 })
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 })
    socket.binaryType = 'arraybuffer'
    socket.onmessage = ({ data }) => socket.send(data)
    return response
  },
)
for await (const _ of Deno.stdin.readable) {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6 }))
}
Deno.exit(0)
