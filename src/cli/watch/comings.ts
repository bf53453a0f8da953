import type { WebSocketServer } from '../../server/index.ts'
import { printableLine, showEnd } from '../connect/show.ts'

/** Lines in one second: a crowd must not cost more than the crowd itself. */
const MOST_LINES = 10

/** Says in the terminal who came and who went: a line each, and of a crowd how many more. */
export class Comings {
  readonly #print: (line: string) => void
  readonly #now: () => number
  #count = 0
  #second = Number.NEGATIVE_INFINITY
  #lines = 0
  #left = 0

  constructor(print: (line: string) => void, now: () => number) {
    this.#print = print
    this.#now = now
  }

  follow(server: WebSocketServer): void {
    server.on('connection', (ws, request) => {
      const id = ++this.#count
      const whom = printableLine(`${ws.remoteAddress ?? 'somebody'} ${request.url ?? ''}`)
      this.say(`#${id} came: ${whom}`)
      ws.closed.then((info) => this.say(`#${id} went: ${showEnd(info, 'the client')}`))
    })
  }

  /** Prints a line, unless there were many in this second. */
  say(line: string): void {
    const now = this.#now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#lines = 0
    }
    if (this.#lines >= MOST_LINES) {
      this.#left++
      return
    }
    this.#lines++
    if (this.#left > 0) this.#print(`(and ${this.#left} more lines)`)
    this.#left = 0
    this.#print(line)
  }
}
