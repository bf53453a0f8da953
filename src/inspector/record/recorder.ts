import { UsageError } from '../../errors.ts'
import { now } from '../../ground/scheduling.ts'
import type { ConnectionObserver, ConnectionTap, ObservedConnection } from '../../socket/taps.ts'
import type { Entry } from './entry.ts'
import { RecordedConnection, type RecordListener } from './recorded-connection.ts'

/** Options of a {@link Recorder}. */
export interface RecorderOptions {
  /** Connections that are kept; those that are over go first. Default 100. */
  readonly maxConnections?: number
  /** Entries that are kept of each connection. Default 2000. */
  readonly maxEntries?: number
  /** Bytes that are kept of each connection. Default 1 MiB. */
  readonly maxBytes?: number
  /** Whether secrets in heads are kept as they are. Default false: they are replaced by `*`. */
  readonly showSecrets?: boolean
}

/** Who is told of what a recorder sees. */
export interface RecorderListener extends RecordListener {
  /** A connection was taken. */
  began(connection: RecordedConnection): void
  /** A connection is not kept any more. */
  gone(connection: RecordedConnection): void
}

/** Keeps the latest of the latest connections of a server: `server.observe(recorder)`. */
export class Recorder implements ConnectionObserver, RecorderListener {
  readonly #maxConnections: number
  readonly #limits: { readonly entries: number; readonly bytes: number }
  readonly #redacts: boolean
  readonly #connections: Map<number, RecordedConnection> = new Map()
  readonly #listeners: Set<Partial<RecorderListener>> = new Set()
  #lastId = 0

  /** @throws UsageError when a bound is no whole number above 0 */
  constructor(options: RecorderOptions = {}) {
    const { maxConnections = 100, maxEntries = 2000, maxBytes = 1 << 20, showSecrets = false } = options
    for (const [name, value] of Object.entries({ maxConnections, maxEntries, maxBytes })) {
      if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`option ${name}: a whole number above 0`)
    }
    this.#maxConnections = maxConnections
    this.#limits = { entries: maxEntries, bytes: maxBytes }
    this.#redacts = !showSecrets
  }

  /** What is kept, the oldest first. */
  get connections(): readonly RecordedConnection[] {
    return [...this.#connections.values()]
  }

  /** The connection with this id; undefined when it is not kept. */
  get(id: number): RecordedConnection | undefined {
    return this.#connections.get(id)
  }

  /** @returns ends it */
  listen(listener: Partial<RecorderListener>): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  observe(about: ObservedConnection): ConnectionTap {
    return this.begin(about)
  }

  /** Records a connection that somebody else takes apart. */
  begin(about: ObservedConnection): RecordedConnection {
    this.#makeRoom()
    const id = ++this.#lastId
    const startedAt = new Date().toISOString()
    const options = { limits: this.#limits, redacts: this.#redacts, now, startedAt, listener: this }
    const connection = new RecordedConnection(id, about, options)
    this.#connections.set(id, connection)
    this.began(connection)
    // What happened before it had its place.
    for (const entry of connection.entries()) this.entry(connection, entry)
    return connection
  }

  began(connection: RecordedConnection): void {
    for (const listener of this.#listeners) listener.began?.(connection)
  }

  entry(connection: RecordedConnection, entry: Entry): void {
    if (this.#connections.get(connection.id) !== connection) return
    for (const listener of this.#listeners) listener.entry?.(connection, entry)
  }

  changed(connection: RecordedConnection): void {
    for (const listener of this.#listeners) listener.changed?.(connection)
  }

  gone(connection: RecordedConnection): void {
    for (const listener of this.#listeners) listener.gone?.(connection)
  }

  #makeRoom(): void {
    if (this.#connections.size < this.#maxConnections) return
    const { connections } = this
    const oldest = connections.find(({ isOver }) => isOver) ?? connections[0]!
    this.#connections.delete(oldest.id)
    oldest.forget()
    this.gone(oldest)
  }
}
