import type { Guard } from '../ground/application.ts'
import type { ReadyState } from '../protocol/state.ts'
import type { CloseInfo } from './close-info.ts'

/** An opening handshake that this side began, as long as there is no connection yet, and what became of it after that. */
export interface Opening extends Guard {
  /** The URL, that of the last redirect. */
  readonly url: string
  /** CONNECTING; CLOSING and then CLOSED once it failed. */
  readonly readyState: ReadyState
  /** Resolves when the handshake failed, or when the connection that came of it is over. */
  readonly closed: Promise<CloseInfo>
  /** Gives up: `error` and `close` follow. */
  abort(): void
}
