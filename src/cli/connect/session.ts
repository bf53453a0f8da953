/*
 * A conversation with a server: lines go out, what comes in is shown, until the connection is over.
 *
 * At the end of a pipe the server may still be answering. A server reads a Ping after all messages that were sent before
 * it, and most answer messages at once: so when its Pong is here, their answers are, too. Servers that answer later need
 * `--wait`.
 *
 * Whoever reads what is shown may be slow: then the server is not read from, so that what it sends does not pile up here. And
 * when nobody reads any more, as behind `| head`, the conversation is over.
 */
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { withoutPassword } from '../../client/target-url.ts'
import { UsageError } from '../../errors.ts'
import type { WebSocket } from '../../socket/websocket.ts'
import { CliError, ExitCode } from '../command.ts'
import { PROMPT_HELP, parseLine, type Request } from './line.ts'
import { printableLine, showEnd, showFrame, showMessage, showStatus } from './show.ts'

/** Where a conversation takes place. */
export interface Surroundings {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Writable & { readonly isTTY?: boolean }
  /** Whether Ping, Pong and Close frames are shown. */
  readonly showsFrames: boolean
  /** Whether the end of the input leaves closing to the server. */
  readonly waits: boolean
}

/** What the Pong behind the last line carries. */
const LAST_PING = 'framewright: end of input'

/**
 * Talk until the connection is over.
 *
 * @throws {CliError} when it did not come about or did not end with both Close frames
 */
export async function converse(ws: WebSocket, surroundings: Surroundings): Promise<void> {
  await new Conversation(ws, surroundings).run()
}

class Conversation {
  readonly #ws: WebSocket
  readonly #surroundings: Surroundings
  readonly #isTerminal: boolean
  #lines: Interface | null = null
  #failure: Error | null = null
  /** The reason of our Close frame. */
  #sentReason = ''
  /** Whether whoever reads what is shown has gone. */
  #isUnread = false

  constructor(ws: WebSocket, surroundings: Surroundings) {
    this.#ws = ws
    this.#surroundings = surroundings
    this.#isTerminal = surroundings.input.isTTY === true && surroundings.output.isTTY === true
  }

  async run(): Promise<void> {
    const ws = this.#ws
    const { input, output } = this.#surroundings
    output.on('error', () => this.#unread())
    output.on('drain', () => ws.resume())
    ws.on('error', (error) => {
      this.#failure ??= error
    })
    ws.on('open', () => this.#opened())
    ws.on('message', (data, isBinary) => this.#print(showMessage('<-', data, isBinary)))
    ws.on('ping', (data) => {
      this.#frame('<-', 'ping', data.toString())
      this.#frame('->', 'pong', data.toString())
    })
    ws.on('pong', (data) => this.#ponged(data.toString()))
    const end = await ws.closed
    this.#lines?.close()
    // An input that nobody ends must not keep the process.
    input.destroy()
    if (this.#isUnread) return
    const { code, reason, sentCode, initiator, wasClean } = end
    if (wasClean) {
      const [sent, received] = [
        showStatus(sentCode, initiator === 'remote' ? '' : this.#sentReason),
        showStatus(code, reason),
      ]
      if (initiator === 'remote') this.#frame('<-', 'close', received)
      this.#frame('->', 'close', sent)
      if (initiator !== 'remote') this.#frame('<-', 'close', received)
      this.#print(`-- ${showEnd(end)}`)
      return
    }
    const why = this.#failure === null ? '' : `: ${printableLine(this.#failure.message)}`
    throw new CliError(ExitCode.failure, `${showEnd(end)}${why}`, { cause: this.#failure })
  }

  #opened(): void {
    const { url, protocol, extensions } = this.#ws
    const choices = [
      protocol === '' ? '' : `, subprotocol ${printableLine(protocol)}`,
      extensions === '' ? '' : `, extensions ${printableLine(extensions)}`,
    ]
    this.#print(`-- connected to ${printableLine(withoutPassword(url))}${choices.join('')}`)
    const { input, output } = this.#surroundings
    this.#lines = createInterface({
      input,
      ...(this.#isTerminal ? { output, prompt: '> ', historySize: 1000, removeHistoryDuplicates: true } : {}),
    })
    this.#lines.on('line', (line) => this.#handle(parseLine(line)))
    this.#lines.on('close', () => this.#inputEnded())
    if (this.#isTerminal) this.#lines.prompt()
  }

  #handle(request: Request): void {
    try {
      this.#obey(request)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      this.#print(`-- ${printableLine(error.message)}`)
    }
    if (this.#isTerminal && this.#ws.readyState === this.#ws.OPEN) this.#lines?.prompt()
  }

  #obey(request: Request): void {
    const ws = this.#ws
    switch (request.kind) {
      case 'text':
        this.#send(request.text)
        break
      case 'binary':
        this.#print(showMessage('->', request.bytes, true))
        this.#send(request.bytes)
        break
      case 'ping':
      case 'pong':
        ws[request.kind](request.data)
        this.#frame('->', request.kind, request.data)
        break
      case 'close':
        ws.close(request.code, request.reason)
        this.#sentReason = request.reason
        break
      case 'quit':
        ws.close(1000)
        break
      case 'help':
        this.#print(PROMPT_HELP.trimEnd())
        break
      case 'mistake':
        this.#print(`-- ${printableLine(request.message)}`)
    }
  }

  /** A server that takes nothing stops the reading of our input. */
  #send(data: string | Buffer): void {
    const ws = this.#ws
    if (ws.send(data) || ws.readyState !== ws.OPEN) return
    this.#lines?.pause()
    ws.once('drain', () => this.#lines?.resume())
  }

  /** Ctrl-D, Ctrl-C, or the end of a pipe. */
  #inputEnded(): void {
    const ws = this.#ws
    if (ws.readyState !== ws.OPEN) return
    if (this.#isTerminal) ws.close(1000)
    else if (!this.#surroundings.waits) ws.ping(LAST_PING)
  }

  #ponged(data: string): void {
    if (data === LAST_PING) this.#ws.close(1000)
    else this.#frame('<-', 'pong', data)
  }

  #unread(): void {
    this.#isUnread = true
    // RFC 6455 §7.4.1: 1001, we go away.
    this.#ws.resume()
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.close(1001)
    else this.#ws.terminate()
  }

  #frame(arrow: '->' | '<-', name: 'ping' | 'pong' | 'close', text: string): void {
    if (this.#surroundings.showsFrames) this.#print(showFrame(arrow, name, text))
  }

  /** Print above the line that is being typed. */
  #print(text: string): void {
    const { output } = this.#surroundings
    if (this.#isUnread) return
    const isLine = this.#isTerminal && this.#lines !== null
    if (!output.write(isLine ? `\r\x1b[K${text}\n` : `${text}\n`)) this.#ws.pause()
    if (!isLine) return
    if (this.#ws.readyState === this.#ws.OPEN) this.#lines?.prompt(true)
  }
}
