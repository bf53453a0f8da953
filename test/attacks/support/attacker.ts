import { clientClose } from '../../support/client-frames.ts'
import type { Order } from './attacker-process.ts'
import { HelperProcess } from './helper-process.ts'
import { head, latin1 } from './wire.ts'

/** Many peers in a process of their own. */
export class Attacker {
  readonly #process: HelperProcess<Order> = new HelperProcess('attacker-process.ts')

  private constructor() {}

  static async start(): Promise<Attacker> {
    const attacker = new Attacker()
    await attacker.#process.started()
    return attacker
  }

  /** Opens connections past their opening handshake. */
  async open(port: number, count: number): Promise<void> {
    await this.#process.ask({ do: 'open', port, count, first: head(), isUpgrade: true })
  }

  /** Opens connections that say `first` and wait. */
  async dial(port: number, count: number, first: string): Promise<void> {
    await this.#process.ask({ do: 'open', port, count, first, isUpgrade: false })
  }

  /** Opens connections that say `first` and are reset right then, or when they have been answered 101. */
  async strike(port: number, count: number, first: string, isAnswered = false): Promise<void> {
    await this.#process.ask({ do: 'strike', port, count, first, isAnswered })
  }

  /** Sends the same bytes on each connection. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#process.ask({ do: 'send', bytes: latin1(bytes) })
  }

  /** Breaks all connections, one after the other without a break. @returns the milliseconds it took */
  async reset(): Promise<number> {
    return (await this.#process.ask({ do: 'reset' })) as number
  }

  /** Opens connections that send `frames` and a Close frame, and are closed in order. */
  async churn(
    port: number,
    count: number,
    request: string = head(),
    frames: Uint8Array = new Uint8Array(),
  ): Promise<void> {
    const last = latin1(frames) + latin1(clientClose(1000))
    await this.#process.ask({ do: 'churn', port, count, first: request, last })
  }

  /** Sends the same bytes on all connections until they are reset. */
  async flood(bytes: Uint8Array): Promise<void> {
    await this.#process.ask({ do: 'flood', bytes: latin1(bytes) })
  }

  /** Ends the process, and with it all connections at once. */
  async die(): Promise<void> {
    await this.#process.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end()
  }
}
