import type { FeedCommand } from '../../../src/inspector/live/protocol.ts'
import type { FeedMessage } from './told.ts'

/** Milliseconds between attempts to come back. */
const AGAIN_MS = 1000

/** The inspector's feed: comes back by itself when it was lost. */
export class Feed {
  readonly #url: string
  readonly #listener: { told(message: FeedMessage): void; changed(isOpen: boolean): void }
  #socket: WebSocket | null = null

  /** @param url - of the feed, with its token */
  constructor(url: string, listener: { told(message: FeedMessage): void; changed(isOpen: boolean): void }) {
    this.#url = url
    this.#listener = listener
    this.#connect()
  }

  send(command: FeedCommand): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(command))
  }

  #connect(): void {
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener('open', () => this.#listener.changed(true))
    socket.addEventListener('message', ({ data }) => this.#listener.told(JSON.parse(data) as FeedMessage))
    socket.addEventListener('close', () => {
      this.#listener.changed(false)
      setTimeout(() => this.#connect(), AGAIN_MS)
    })
  }
}

/** A path of the inspector with the token that this page came with. @param scheme - `ws` for a WebSocket */
export function placeOf(path: string, scheme: 'ws' | 'http'): string {
  const url = new URL(path, location.href)
  if (scheme === 'ws') url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const token = new URLSearchParams(location.search).get('token')
  if (token !== null) url.searchParams.set('token', token)
  return url.href
}
