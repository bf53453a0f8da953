/*
 * Says which requirements a server meets: by calling the functions of its file, and by `framewright probe` from outside.
 */
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { probe } from '../src/cli/probe/run.ts'
import { parseProbeArguments } from '../src/cli/probe.ts'
import { steps } from './steps.ts'

/** What was found about one requirement. */
export interface Finding {
  readonly id: string
  readonly isMet: boolean
  /** What was tried and seen, when it is not met. */
  readonly seen: string
}

/** The file of a learner, as far as it is called. */
export interface Mine {
  acceptKey(key: string): string
  checkRequest(head: string): { status: number }
  unmask(bytes: Buffer, key: Buffer, at?: number): Buffer
  makeParser(
    onFrame: (header: { opcode: number; rsv: number }, payload: Buffer) => void,
    allowsRsv1?: boolean,
  ): (chunk: Buffer) => void
  respond(request: object): string
  inflate(bytes: Buffer): Buffer
}

/** Something that is tried on a function. @returns what was seen, or null when it is right */
type Trial = (mine: Mine) => string | null

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const REQUEST = [
  'GET /chat HTTP/1.1',
  'Host: server.example.com',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
]

/** `Hello` of RFC 6455 §5.7 as a client sends it, twice, and a long one. */
const STREAM = Buffer.concat([
  Buffer.from('818537fa213d7f9f4d5158', 'hex'),
  Buffer.from('818537fa213d7f9f4d5158', 'hex'),
  Buffer.concat([Buffer.from('82fe012c00000000', 'hex'), Buffer.alloc(300, 7)]),
])

const trials: Readonly<Record<string, readonly Trial[]>> = {
  '6455-4.2.2-17': [
    ({ acceptKey }) =>
      expectEqual('the answer to the key of RFC 6455 §1.3', acceptKey(KEY), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='),
    ({ acceptKey }) =>
      expectEqual('the answer to another key', acceptKey('AAAAAAAAAAAAAAAAAAAAAA=='), 'ICX+Yqv66kxgM0FcWaLWlFLwTAI='),
  ],
  '6455-4.2.1-2': [requestWith('method POST', 0, 'POST /chat HTTP/1.1', 405)],
  '6455-4.2.1-3': [requestWith('HTTP/1.0', 0, 'GET /chat HTTP/1.0', 400)],
  '6455-4.2.1-5': [requestWith('no Host', 1, null, 400)],
  '6455-4.2.1-6': [requestWith('Upgrade: h2c', 2, 'Upgrade: h2c', 426), accepts('upgrade: h2c, WebSocket', 2)],
  '6455-4.2.1-7': [requestWith('no Connection', 3, null, 400), accepts('CONNECTION: keep-alive, Upgrade', 3)],
  '6455-4.2.1-8': [requestWith('a key of 15 bytes', 4, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA', 400)],
  '6455-4.2.1-9': [requestWith('version 8', 5, 'Sec-WebSocket-Version: 8', 426)],
  '6455-5.3-5': [
    ({ unmask }) => expectEqual('Hello of §5.7', String(unmask(hex('7f9f4d5158'), hex('37fa213d'))), 'Hello'),
    ({ unmask }) => expectEqual('its last three bytes', String(unmask(hex('4d5158'), hex('37fa213d'), 2)), 'llo'),
  ],
  '6455-5.2-9': [
    (mine) => {
      for (let cut = 1; cut < STREAM.length; cut++) {
        const seen = readAs(mine, [STREAM.subarray(0, cut), STREAM.subarray(cut)])
        if (seen !== 'Hello Hello 300') return `three frames, cut behind byte ${cut}: ${seen}`
      }
      return expectEqual(
        'one byte at a time',
        readAs(
          mine,
          [...STREAM].map((byte) => Buffer.of(byte)),
        ),
        'Hello Hello 300',
      )
    },
  ],
  '7692-5-1': [
    (mine) => {
      const offer = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'
      const response = mine.respond(mine.checkRequest([...REQUEST, offer].join('\r\n')))
      return /^Sec-WebSocket-Extensions: permessage-deflate/im.test(response) ? null : 'the offer was not taken'
    },
  ],
  '7692-7.2.2-11': [
    ({ inflate }) => expectEqual('Hello of RFC 7692 §7.2.3.1', String(inflate(hex('f248cdc9c90700'))), 'Hello'),
    ({ inflate }) => {
      try {
        const length = inflate(deflateRawSync(Buffer.alloc(64 << 20), { finishFlush: 2 })).length
        return `64 KiB that inflate to 64 MiB: ${length} bytes were taken`
      } catch (error) {
        return expectEqual('the status code for 64 MiB', (error as { statusCode?: number }).statusCode, 1009)
      }
    },
  ],
  '7692-6.1-4': [
    (mine) => {
      const bytes = Buffer.from('c18700000000f248cdc9c90700', 'hex')
      return expectEqual('RSV1 on the first frame', readAs(mine, [bytes], true), '7 with RSV1')
    },
    (mine) =>
      expectEqual(
        'RSV1 on a Ping',
        faultOf(() => readAs(mine, [hex('c98000000000')], true)),
        1002,
      ),
    (mine) =>
      expectEqual(
        'RSV1 on a continuation',
        faultOf(() => readAs(mine, [hex('c08000000000')], true)),
        1002,
      ),
    (mine) =>
      expectEqual(
        'RSV2',
        faultOf(() => readAs(mine, [hex('a18000000000')], true)),
        1002,
      ),
  ],
}

/** Compressed and plain messages through the whole server. */
const compressedTrials: Readonly<Record<string, { sent: string; wanted: string }>> = {
  '7692-6.2-1': { sent: 'c18700000000f248cdc9c90700', wanted: '810548656c6c6f' },
  '7692-6.2-2': { sent: '818500000000 48656c6c6f', wanted: '810548656c6c6f' },
}

/**
 * Judges a file.
 *
 * @param file - path of the server
 * @param ids - requirements, in the order in which they are reported
 * @param patienceMs - how long the server may take for an answer
 */
export async function judge(file: string, ids: readonly string[], patienceMs: number): Promise<Finding[]> {
  const seen = new Map<string, string>()
  const note = (id: string, what: string | null): void => {
    if (what !== null && !seen.has(id)) seen.set(id, what)
  }
  // A new address each time: modules are loaded once.
  const mine = (await import(`${pathToFileURL(file)}?${++loads}`)) as Mine
  for (const id of ids) for (const trial of trials[id] ?? []) note(id, attempt(trial, mine))
  const server = await start(file)
  try {
    const verdicts = await probeIds(server.url, ids, patienceMs)
    for (const id of ids) note(id, verdicts.get(id) ?? null)
    for (const id of ids) {
      const trial = compressedTrials[id]
      if (trial !== undefined) note(id, await exchange(server.url, trial, patienceMs))
    }
  } finally {
    server.stop()
  }
  return ids.map((id) => ({ id, isMet: !seen.has(id), seen: seen.get(id) ?? '' }))
}

let loads = 0

async function probeIds(url: string, ids: readonly string[], patienceMs: number): Promise<Map<string, string>> {
  const options = parseProbeArguments(['--timeout', String(patienceMs), url])
  if (options === 'help') throw new Error('no help was asked for')
  const wanted = new Set(ids)
  // Below the first response there is nothing to probe.
  const isWanted = (id: string): boolean => wanted.has(id) && !isFunctionOnly(id)
  if (!ids.some((id) => id.startsWith('6455-') && isWanted(id))) return new Map()
  const found = new Map<string, string>()
  try {
    for (const { id, verdict, details } of await probe({ target: options.target, patience: patienceMs, isWanted })) {
      if (verdict !== 'met') found.set(id, details[0] ?? verdict)
    }
  } catch (error) {
    for (const id of wanted) if (isWanted(id)) found.set(id, (error as Error).message)
  }
  return found
}

/** In steps 1 and 2 there is no response yet, and in step 6 frames must not be cut. */
function isFunctionOnly(id: string): boolean {
  return id === '6455-5.3-5' || steps.slice(0, 2).some((step) => step.ids.includes(id))
}

/** Starts the server in a process of its own. */
async function start(file: string): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, [file, '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += String(chunk)
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      printed += String(chunk)
      const line = /^(ws:\S+)\n/m.exec(printed)
      if (line !== null) resolve(line[1]!)
    })
    child.once('close', () => reject(new Error(`the server ended before it listened:\n${complaint}`)))
  })
  return { url, stop: () => void child.kill() }
}

/** Opens a connection with compression, sends a frame and looks at what comes back. */
async function exchange(
  url: string,
  trial: { sent: string; wanted: string },
  patienceMs: number,
): Promise<string | null> {
  const { connect } = await import('node:net')
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = Buffer.alloc(0)
  const request = [...REQUEST, 'Sec-WebSocket-Extensions: permessage-deflate', '', ''].join('\r\n')
  socket.write(request)
  try {
    return await new Promise((resolve) => {
      let isOpen = false
      const late = setTimeout(
        () => resolve(`within ${patienceMs} ms came ${received.toString('hex') || 'nothing'}`),
        patienceMs,
      )
      const settle = (what: string | null): void => {
        clearTimeout(late)
        resolve(what)
      }
      socket.on('error', () => settle('the connection broke'))
      socket.on('close', () => settle('the server ended the connection'))
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk])
        const end = received.indexOf('\r\n\r\n')
        if (!isOpen && end >= 0) {
          isOpen = true
          if (!/permessage-deflate/.test(received.toString('latin1', 0, end))) settle('compression was not agreed on')
          received = received.subarray(end + 4)
          socket.write(hex(trial.sent))
        }
        if (isOpen && received.length >= hex(trial.wanted).length) {
          settle(
            received.equals(hex(trial.wanted)) ? null : `${trial.sent} was answered by ${received.toString('hex')}`,
          )
        }
      })
    })
  } finally {
    socket.destroy()
  }
}

function requestWith(what: string, at: number, line: string | null, status: number): Trial {
  return ({ checkRequest }) => {
    const lines = REQUEST.flatMap((usual, i) => (i === at ? (line === null ? [] : [line]) : [usual]))
    return expectEqual(what, checkRequest(lines.join('\r\n')).status, status)
  }
}

function accepts(line: string, at: number): Trial {
  return requestWith(line, at, line, 101)
}

/** The frames of a stream in words. */
function readAs({ makeParser }: Mine, chunks: readonly Buffer[], allowsRsv1 = false): string {
  const words: string[] = []
  const parse = makeParser(({ rsv }, payload) => {
    words.push((payload.length < 6 ? String(payload) : String(payload.length)) + (rsv === 4 ? ' with RSV1' : ''))
  }, allowsRsv1)
  for (const chunk of chunks) parse(Buffer.from(chunk))
  return words.join(' ')
}

/** The status code of the fault that is thrown; 0 for none. */
function faultOf(read: () => unknown): number {
  try {
    read()
    return 0
  } catch (error) {
    return (error as { statusCode?: number }).statusCode ?? 0
  }
}

function attempt(trial: Trial, mine: Mine): string | null {
  try {
    return trial(mine)
  } catch (error) {
    return String(error)
  }
}

function expectEqual(what: string, found: unknown, wanted: unknown): string | null {
  return found === wanted ? null : `${what}: ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}
