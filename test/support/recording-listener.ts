import type { Violation } from '../../src/frames/violation.ts'
import type { ConnectionListener } from '../../src/protocol/listener.ts'
import { toHex } from './hex.ts'

/**
 * Writes down what a `Connection` tells its listener, one line per call, and holds it to the contract of
 * `ConnectionListener`: nothing is told after the peer's Close frame or after the connection was failed.
 *
 * ```
 * text "Hello"    binary 01 02    ping 68 69    pong    close 1000 "bye"    failed 6455-5.1-2
 * ```
 */
export class RecordingListener implements ConnectionListener {
  readonly events: string[] = []
  /** Called with each line, from inside the connection; meant to be replaced. */
  onEvent: (event: string) => void = () => {}
  #isOver = false

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, _owned: boolean): void {
    const payload = bytes.subarray(start, end)
    this.#record(isBinary ? describeBytes('binary', payload) : describeText('text', payload))
  }

  ping(bytes: Uint8Array, start: number, end: number): void {
    this.#record(describeBytes('ping', bytes.subarray(start, end)))
  }

  pong(bytes: Uint8Array, start: number, end: number): void {
    this.#record(describeBytes('pong', bytes.subarray(start, end)))
  }

  closeReceived(statusCode: number, reason: string): void {
    this.#record(`close ${statusCode} ${JSON.stringify(reason)}`)
    this.#isOver = true
  }

  failed(violation: Violation): void {
    this.#record(`failed ${violation.id}`)
    this.#isOver = true
  }

  /** The events since the last call. */
  take(): string[] {
    return this.events.splice(0)
  }

  #record(event: string): void {
    if (this.#isOver) throw new Error(`${event} was delivered after the end: ${this.events.join(', ')}`)
    this.events.push(event)
    this.onEvent(event)
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `text "Hello"`; throws when the bytes are not UTF-8. */
export function describeText(name: string, bytes: Uint8Array): string {
  return `${name} ${JSON.stringify(strict.decode(bytes))}`
}

/** `ping 68 69`; without bytes the name alone. */
export function describeBytes(name: string, bytes: Uint8Array): string {
  return `${name} ${toHex(bytes)}`.trimEnd()
}
