// Run by Deno, with Deno's own WebSocket server. Prints its port and ends when stdin does, as `serve.ts` has it.
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
for await (const _ of Deno.stdin.readable) console.log('{}')
Deno.exit(0)
