/*
 * Tells viewers what a recorder sees.
 *
 * What happens in one turn of the event loop is gathered and told at its end, so that whoever is looked at has been served
 * before. A viewer that does not read gets nothing more until it does: what it missed is counted, not kept.
 */
import { setImmediate } from '../../ground/scheduling.ts'
import type { WebSocket } from '../../socket/websocket.ts'
import type { Entry } from '../record/entry.ts'
import type { RecordedConnection } from '../record/recorded-connection.ts'
import type { Recorder } from '../record/recorder.ts'
import type { FeedMessage } from './protocol.ts'

/** Bytes that may wait for a viewer. */
const MOST_WAITING = 1 << 20

/** Entries in one message. */
const MOST_TOGETHER = 500

/** One who looks on. */
class Viewer {
  readonly #ws: WebSocket
  readonly watched: Set<number> = new Set()
  /** Entries that were not told, by connection. */
  readonly #missed: Map<number, number> = new Map()
  /** Connections whose line in the list is not up to date. */
  readonly #stale: Set<number> = new Set()

  constructor(ws: WebSocket) {
    this.#ws = ws
  }

  get isSlow(): boolean {
    return this.#ws.bufferedAmount > MOST_WAITING
  }

  /** @param text - the message, serialised once for all viewers */
  tell(text: string): void {
    this.#ws.send(text)
  }

  say(message: FeedMessage): void {
    this.tell(JSON.stringify(message))
  }

  miss(connection: number, entries: number): void {
    this.#missed.set(connection, (this.#missed.get(connection) ?? 0) + entries)
  }

  missSummary(connection: number): void {
    this.#stale.add(connection)
  }

  /** Says what was missed. @returns connections whose line is to be told again */
  catchUp(): readonly number[] {
    if (this.#missed.size === 0 && this.#stale.size === 0) return []
    for (const [connection, entries] of this.#missed) this.say({ type: 'dropped', connection, entries })
    this.#missed.clear()
    const stale = [...this.#stale]
    this.#stale.clear()
    return stale
  }

  forget(connection: number): void {
    this.watched.delete(connection)
    this.#missed.delete(connection)
    this.#stale.delete(connection)
  }
}

/** All viewers of one recorder. */
export class Feed {
  readonly #recorder: Recorder
  readonly #viewers: Map<WebSocket, Viewer> = new Map()
  readonly #stop: () => void
  /** What happened in this turn, on connections that somebody watches. */
  #entries: Map<number, Entry[]> = new Map()
  /** Connections whose line has changed. */
  #changed: Map<number, RecordedConnection> = new Map()
  #isQueued = false

  constructor(recorder: Recorder) {
    this.#recorder = recorder
    this.#stop = recorder.listen({
      began: (connection) => this.#change(connection),
      entry: (connection, entry) => this.#happened(connection, entry),
      changed: (connection) => this.#change(connection),
      gone: ({ id }) => this.#gone(id),
    })
  }

  /** Viewers at the moment. */
  get size(): number {
    return this.#viewers.size
  }

  /** A viewer comes. @param hello - what it is told first */
  add(ws: WebSocket, hello: FeedMessage): void {
    this.#flush()
    const viewer = new Viewer(ws)
    this.#viewers.set(ws, viewer)
    viewer.say(hello)
    for (const connection of this.#recorder.connections) {
      viewer.say({ type: 'connection', connection: connection.summary })
    }
    ws.on('drain', () => this.#catchUp(viewer))
    ws.on('close', () => this.#viewers.delete(ws))
  }

  /** Tells a viewer what is kept of a connection, and then what happens on it. */
  watch(ws: WebSocket, id: number): void {
    const viewer = this.#viewers.get(ws)
    const connection = this.#recorder.get(id)
    if (viewer === undefined) return
    if (connection === undefined) {
      viewer.say({ type: 'gone', connection: id })
      return
    }
    this.#flush()
    viewer.forget(id)
    viewer.watched.add(id)
    const entries = connection.entries()
    viewer.say({ type: 'connection', connection: connection.summary })
    for (let i = 0; i === 0 || i < entries.length; i += MOST_TOGETHER) {
      const some = entries.slice(i, i + MOST_TOGETHER)
      if (viewer.isSlow) viewer.miss(id, some.length)
      else viewer.say({ type: 'entries', connection: id, isSnapshot: true, entries: some })
    }
  }

  unwatch(ws: WebSocket, id: number): void {
    this.#viewers.get(ws)?.watched.delete(id)
  }

  close(): void {
    this.#stop()
  }

  #happened(connection: RecordedConnection, entry: Entry): void {
    if (this.#viewers.size === 0) return
    const { id } = connection
    if (this.#isWatched(id)) {
      const entries = this.#entries.get(id)
      if (entries === undefined) this.#entries.set(id, [entry])
      else entries.push(entry)
    }
    this.#change(connection)
  }

  #isWatched(id: number): boolean {
    for (const { watched } of this.#viewers.values()) if (watched.has(id)) return true
    return false
  }

  #change(connection: RecordedConnection): void {
    if (this.#viewers.size === 0) return
    this.#changed.set(connection.id, connection)
    if (this.#isQueued) return
    this.#isQueued = true
    setImmediate(() => this.#flush())
  }

  #gone(id: number): void {
    this.#flush()
    const text = JSON.stringify({ type: 'gone', connection: id } satisfies FeedMessage)
    for (const viewer of this.#viewers.values()) {
      viewer.forget(id)
      if (!viewer.isSlow) viewer.tell(text)
    }
  }

  #flush(): void {
    this.#isQueued = false
    const changed = this.#changed
    const happened = this.#entries
    this.#changed = new Map()
    this.#entries = new Map()
    for (const connection of changed.values()) {
      const text = JSON.stringify({ type: 'connection', connection: connection.summary } satisfies FeedMessage)
      for (const viewer of this.#viewers.values()) {
        if (viewer.isSlow) viewer.missSummary(connection.id)
        else viewer.tell(text)
      }
    }
    for (const [connection, entries] of happened) this.#tellEntries(connection, entries)
  }

  #tellEntries(connection: number, entries: readonly Entry[]): void {
    for (let i = 0; i < entries.length; i += MOST_TOGETHER) {
      const some = entries.slice(i, i + MOST_TOGETHER)
      let text: string | null = null
      for (const viewer of this.#viewers.values()) {
        if (!viewer.watched.has(connection)) continue
        if (viewer.isSlow) {
          viewer.miss(connection, some.length)
          continue
        }
        text ??= JSON.stringify({ type: 'entries', connection, isSnapshot: false, entries: some } satisfies FeedMessage)
        viewer.tell(text)
      }
    }
  }

  #catchUp(viewer: Viewer): void {
    for (const id of viewer.catchUp()) {
      const connection = this.#recorder.get(id)
      if (connection === undefined) viewer.say({ type: 'gone', connection: id })
      else viewer.say({ type: 'connection', connection: connection.summary })
    }
  }
}
