import { UsageError } from '../../src/errors.ts'
import type { Role } from '../../src/frames/header.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { readFrames } from '../support/connection-pair.ts'
import { RecordingListener } from '../support/recording-listener.ts'
import { FuzzInput, must } from './input.ts'

const LIMIT = 4096

/**
 * A whole connection: the input is what the peer sends, its end what the application does meanwhile. Nothing throws but
 * `UsageError` to the application, what goes out is well-formed, memory stays within the limits, and nothing is
 * delivered after the end (the listener sees to that).
 */
export function fuzzConnection(role: Role, data: Uint8Array): void {
  const input = new FuzzInput(data)
  const actions = Array.from({ length: input.byte() % 6 }, () => input.byte())
  const pieces = input.pieces()
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const connection = new Connection(new RecordingListener(), {
    role,
    maxPayload: LIMIT,
    maxFragments: 20,
    maxFramesPerTurn: 8,
    maskingKey: () => 0x37fa213d,
  })
  const written: Uint8Array[] = []
  const flush = (): void => {
    // Copies: the memory is used again once it was written.
    for (const chunk of connection.takeOutput()) written.push(new Uint8Array(chunk))
    connection.outputWritten(true)
    must(connection.bufferedInput <= 2 * LIMIT + length, () => `${connection.bufferedInput} bytes are held`)
  }
  for (let i = 0; i < Math.max(pieces.length, actions.length); i++) {
    if (pieces[i] !== undefined) connection.receive(pieces[i]!)
    if (actions[i] !== undefined) act(connection, actions[i]!)
    flush()
  }
  if (connection.paused) connection.resume()
  for (let turns = 0; connection.hasRetained; turns++) {
    must(turns < 10_000, () => 'what is retained is never read')
    connection.readRetained()
    flush()
  }
  connection.receiveEnd()
  flush()
  readFrames(Buffer.concat(written))
  connection.transportClosed()
  must(connection.bufferedInput === 0, () => 'memory is held after the end')
}

/** What an application may do at any time. */
const ACTIONS: ReadonlyArray<(connection: Connection, choice: number) => void> = [
  (connection) => connection.pause(),
  (connection) => connection.resume(),
  (connection) => connection.sendMessage('text €'),
  (connection, choice) => connection.sendFragment(new Uint8Array(choice), true, (choice & 64) === 0),
  (connection, choice) => connection.sendPing(new Uint8Array(choice % 130)),
  (connection, choice) => connection.close(choice < 128 ? undefined : 1000 + choice),
  (connection) => connection.receiveEnd(),
  (connection) => connection.readRetained(),
  (connection) => connection.sendPong(),
]

function act(connection: Connection, choice: number): void {
  try {
    ACTIONS[choice % ACTIONS.length]!(connection, choice)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
  }
}
