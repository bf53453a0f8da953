import { parseRequestHead } from '../src/handshake/request.ts'
import { acceptUpgrade, validateUpgrade } from '../src/handshake/server-handshake.ts'
import { type Bench, type Figure, figureOf, isWanted, type Settings, type Table } from './support/bench.ts'
import { compare } from './support/compare.ts'
import { runLoad, upgradeRequest } from './support/load.ts'
import { startServer } from './support/server-process.ts'

const OURS = 'framewright'

/** A request as a browser sends it. */
const BROWSER = upgradeRequest(
  'Pragma: no-cache\r\nCache-Control: no-cache\r\nOrigin: http://localhost\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n' +
    'Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n' +
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n',
)

const REQUESTS = { 'shortest request': upgradeRequest(), 'browser request': BROWSER }

/** Heads in one call: enough to be warm in the first round. */
const HEADS = 2000

/** Opening handshakes: heads in this process, and whole connections over loopback. */
export const bench: Bench = {
  about: 'opening handshakes in process and over loopback',
  async run(settings) {
    return [await heads(settings), await connections(settings)]
  },
}

async function heads(settings: Settings): Promise<Table> {
  const rows = []
  for (const [name, request] of Object.entries(REQUESTS)) {
    const bytes = Buffer.from(request)
    rows.push(
      await compare(settings, name, OURS, HEADS, [
        {
          name: OURS,
          prepare() {
            const answer = (): Uint8Array => acceptUpgrade(validateUpgrade(parseRequestHead(bytes)), {})
            const isRight = Buffer.from(answer()).includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
            if (!isRight) throw new Error('a wrong answer')
            return () => {
              for (let i = 0; i < HEADS; i++) answer()
            }
          },
        },
      ]),
    )
  }
  return { title: 'From the bytes of a request to those of its answer', unit: 'ns', ours: OURS, rows }
}

async function connections(settings: Settings): Promise<Table> {
  const peers = [
    { name: OURS, server: 'echo-framewright' },
    { name: 'framewright on http', server: 'echo-framewright-http' },
    { name: 'ws', server: 'echo-ws' },
    { name: 'net', server: 'handshake-net' },
  ].filter(({ name }) => isWanted(settings, OURS, name))
  const rows = []
  for (const [cell, head] of Object.entries(REQUESTS)) {
    settings.progress(cell)
    const values = new Map(peers.map(({ name }) => [name, [] as number[]]))
    for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
      for (const { name, server: file } of peers) {
        await using server = await startServer(file)
        const { messages, cpuSeconds } = await runLoad({
          mode: 'connect',
          server,
          connections: 32,
          seconds: settings.quick ? 0.7 : 2,
          // A connection runs much code, so that some thousands pass before all of it is compiled.
          warmup: settings.quick ? 1 : 3,
          head,
        })
        values.get(name)!.push((cpuSeconds / messages) * 1e6)
      }
    }
    const figures: Record<string, Figure> = {}
    for (const [name, rounds] of values) figures[name] = figureOf(rounds)
    rows.push({ cell, figures })
  }
  return { title: 'Connect, shake hands, reset: processor time of the server', unit: 'µs', ours: OURS, rows }
}
