import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { hookAtOnce } from '../ground/application.ts'

/** A server that answers upgrade requests of an HTTP server. */
export interface UpgradeTarget {
  /** Whether the request is for it. */
  shouldHandle(request: IncomingMessage): boolean
  /** Answers the request, one way or the other. */
  answer(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

const dispatchers = new WeakMap<HttpServer | HttpsServer, UpgradeDispatcher>()

/**
 * Hands the upgrade requests of one HTTP server to the first of our servers that they are for, so that several of them
 * share it by path. A request for none of them belongs to whoever else listens to `upgrade`; when nobody does, it is
 * refused.
 */
class UpgradeDispatcher {
  readonly #server: HttpServer | HttpsServer
  readonly #targets = new Set<UpgradeTarget>()

  constructor(server: HttpServer | HttpsServer) {
    this.#server = server
  }

  add(target: UpgradeTarget): void {
    if (this.#targets.size === 0) this.#server.on('upgrade', this.#onUpgrade)
    this.#targets.add(target)
  }

  remove(target: UpgradeTarget): void {
    this.#targets.delete(target)
    if (this.#targets.size === 0) this.#server.off('upgrade', this.#onUpgrade)
  }

  #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const target = this.#find(request)
    if (target !== undefined) target.answer(request, socket, head)
    else if (this.#server.listenerCount('upgrade') === 1) {
      const [first] = this.#targets
      first!.answer(request, socket, head)
    }
  }

  #find(request: IncomingMessage): UpgradeTarget | undefined {
    for (const target of this.#targets) {
      try {
        if (hookAtOnce('shouldHandle()', (asked) => target.shouldHandle(asked), request)) return target
      } catch {
        // Asked again when it answers, it throws again, and is told there.
        return target
      }
    }
    return undefined
  }
}

/** Answers the upgrade requests of `server` from now on. @returns what undoes it */
export function attachTo(server: HttpServer | HttpsServer, target: UpgradeTarget): () => void {
  let dispatcher = dispatchers.get(server)
  if (dispatcher === undefined) {
    dispatcher = new UpgradeDispatcher(server)
    dispatchers.set(server, dispatcher)
  }
  const found = dispatcher
  found.add(target)
  return () => found.remove(target)
}
