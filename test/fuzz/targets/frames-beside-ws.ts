import * as wsPackage from 'ws'
import { Connection } from '../../../src/protocol/connection.ts'
import { RecordingListener } from '../../support/recording-listener.ts'
import { FuzzInput, must } from '../input.ts'

const LIMIT = 4096

/** A difference between our frames and those of `ws`. */
export interface Difference {
  /** Id of the requirement, a row of `docs/rfc/requirements.tsv`. */
  readonly rule: string
  readonly ours: string
  readonly ws: string
  /** `'earlier'`: ws goes on, at least for now, where we fail. `'later'`: we wait for the next byte where ws fails. */
  readonly weFail: 'earlier' | 'later'
}

/**
 * Where we refuse what ws takes, or refuse it earlier or later. Everything else has to come out the same; a rule that is
 * added here needs its reason. The table of `docs/fuzzing.md` is held against this list.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    rule: '6455-5.2-6',
    ours: 'a length that is not in its shortest form is 1002',
    ws: 'taken',
    weFail: 'earlier',
  },
  {
    rule: '6455-8.1-1',
    ours: 'text that is not UTF-8 is refused at the octet that cannot be right',
    ws: 'at the end of the message',
    weFail: 'earlier',
  },
  {
    rule: '6455-5.5.1-2',
    ours: 'a Close frame of one byte is refused when the byte has come',
    ws: 'at its length',
    weFail: 'later',
  },
]

/** What of the receiver of `ws` is used here; it is not in the package's documentation. */
interface Receiver {
  on(event: string, listener: (...args: never[]) => void): void
  _write(chunk: Uint8Array, encoding: string, done: (error?: Error) => void): void
}
const { Receiver } = wsPackage as unknown as { Receiver: new (options: object) => Receiver }

interface Seen {
  readonly events: readonly string[]
  readonly failed: boolean
}

function seenByWs(pieces: readonly Uint8Array[]): Seen {
  const events: string[] = []
  let failed = false
  let isOver = false
  const receiver = new Receiver({ isServer: true, maxPayload: LIMIT, allowSynchronousEvents: true })
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    events.push(`${isBinary ? 'binary' : 'text'} ${data.toString('hex')}`)
  })
  receiver.on('ping', (data: Buffer) => events.push(`ping ${data.toString('hex')}`))
  receiver.on('pong', (data: Buffer) => events.push(`pong ${data.toString('hex')}`))
  receiver.on('conclude', (code: number, reason: Buffer) => {
    events.push(`close ${code} ${reason.toString('hex')}`)
    isOver = true
  })
  for (const piece of pieces) {
    if (failed || isOver) break
    receiver._write(Buffer.from(piece), 'buffer', (error) => {
      failed ||= error !== undefined && error !== null
    })
  }
  return { events, failed }
}

class Listener extends RecordingListener {
  readonly seen: string[] = []

  override message(isBinary: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`${isBinary ? 'binary' : 'text'} ${hexOf(bytes, start, end)}`)
  }

  override ping(bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`ping ${hexOf(bytes, start, end)}`)
  }

  override pong(bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`pong ${hexOf(bytes, start, end)}`)
  }

  override closeReceived(statusCode: number, reason: string): void {
    this.seen.push(`close ${statusCode} ${Buffer.from(reason).toString('hex')}`)
  }
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex')
}

/** A stream of frames for a server: the same messages, pings, pongs and close as the receiver of ws, or a listed difference. */
export function fuzz(data: Uint8Array): void {
  compare(data, DIFFERENCES)
}

/** Compares with the receiver of ws. @throws Error when there is a difference that is not allowed */
export function compare(data: Uint8Array, allowed: readonly Difference[]): void {
  const isAllowed = (id: string | undefined, weFail: Difference['weFail']): boolean =>
    allowed.some((difference) => difference.rule === id && difference.weFail === weFail)
  const input = new FuzzInput(data)
  const pieces = input.pieces()
  const theirs = seenByWs([input.rest()])
  const listener = new Listener()
  const connection = new Connection(listener, { role: 'server', maxPayload: LIMIT })
  for (const piece of pieces) connection.receive(piece)
  const isLate = theirs.failed && connection.violation === null
  // The rest of the frame for which we wait.
  if (isLate) connection.receive(new Uint8Array(5))
  const { violation } = connection
  const [ours, other] = [listener.seen.join('\n'), theirs.events.join('\n')]
  const describe = (): string => `ours:\n${ours}\n${violation?.id}\nws:\n${other}\n${theirs.failed}`
  if (isAllowed(violation?.id, 'earlier')) {
    must(other.startsWith(ours), () => `nothing that ws saw first may be missing\n${describe()}`)
  } else {
    must(ours === other, () => `different events\n${describe()}`)
    must((violation !== null) === theirs.failed, () => `only one of the two failed\n${describe()}`)
    must(!isLate || isAllowed(violation?.id, 'later'), () => `ws failed earlier\n${describe()}`)
  }
}
