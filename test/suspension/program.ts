/*
 * A server, or a client, in a process of its own, so that a test can stop it. What it says on stdout, a line each, is what
 * happened; a message of its peer tells it what to do.
 *
 *   program.ts server <options as JSON>
 *   program.ts client <options as JSON> <url>
 */
import { WebSocket, WebSocketServer } from '../../src/index.ts'

const [role, options, url] = process.argv.slice(2)
const given = JSON.parse(options!) as object

function say(...words: unknown[]): void {
  process.stdout.write(`${words.join(' ')}\n`)
}

function obey(ws: WebSocket, server: WebSocketServer | null, [command, amount]: string[]): void {
  if (command === 'send') {
    ws.send(Buffer.alloc(Number(amount)))
    // By then the watch over writes has looked at it, once.
    setTimeout(() => say('sent', ws.bufferedAmount > 0 ? 'and it waits' : 'all'), 1200)
  } else if (command === 'close') ws.close(1000)
  else if (command === 'block') {
    const end = performance.now() + Number(amount)
    while (performance.now() < end);
    say('blocked')
  } else if (command === 'shutdown') {
    void server!.shutdown({ graceMs: Number(amount) }).then((report) => say('shutdown', JSON.stringify(report)))
  } else ws.send(command!)
}

function watch(ws: WebSocket, server: WebSocketServer | null): void {
  ws.on('message', (data) => obey(ws, server, String(data).split(' ')))
  ws.on('error', (error) => say('error', error.message))
  void ws.closed.then((info) => say('closed', info.code, info.cause))
}

if (role === 'client') {
  const ws = new WebSocket(url!, given)
  ws.on('open', () => say('open'))
  watch(ws, null)
  // Timers of ours do not keep a process alive.
  process.stdin.resume()
} else {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...given })
  server.on('connection', (ws) => watch(ws, server))
  server.on('connectionError', (error) => say('error', error.message))
  const { port } = await server.listening
  say('listening', (port as number | undefined) ?? 0)
}
