import type { Duplex } from 'node:stream'
import type { CloseInfo } from '../socket/close-info.ts'
import type { Attachment, SessionOptions } from '../socket/session.ts'
import type { Traffic } from '../socket/traffic.ts'
import type { WebSocket } from '../socket/websocket.ts'
import type { AnyRequest } from './upgrade-request.ts'

/** What all connections of one server have in common, and who is told of them. */
export interface ServedConnectionOwner<Data> {
  readonly textFormat: 'string' | 'buffer'
  readonly withoutListener: 'hold' | 'discard'
  readonly traffic: Traffic
  connectionFailed(served: ServedConnection<Data>, error: Error, isUnseen: boolean): void
  connectionClosed(served: ServedConnection<Data>, info: CloseInfo): void
}

/**
 * What the server knows of one of its connections.
 *
 * Perf: `npm run bench -- memory`; one object, and no closure that keeps what it saw when it was made.
 */
export class ServedConnection<Data> implements Attachment {
  readonly ws: WebSocket<Data>
  readonly request: AnyRequest
  readonly socket: Duplex
  readonly driver: SessionOptions['driver']
  readonly protocol: string
  readonly extensions: string
  readonly data: Data
  readonly remoteAddress: string | undefined
  readonly #owner: ServedConnectionOwner<Data>

  constructor(
    owner: ServedConnectionOwner<Data>,
    connection: Pick<
      ServedConnection<Data>,
      'ws' | 'request' | 'socket' | 'driver' | 'protocol' | 'extensions' | 'data' | 'remoteAddress'
    >,
  ) {
    this.#owner = owner
    this.ws = connection.ws
    this.request = connection.request
    this.socket = connection.socket
    this.driver = connection.driver
    this.protocol = connection.protocol
    this.extensions = connection.extensions
    this.data = connection.data
    this.remoteAddress = connection.remoteAddress
  }

  get textFormat(): 'string' | 'buffer' {
    return this.#owner.textFormat
  }

  get withoutListener(): 'hold' | 'discard' {
    return this.#owner.withoutListener
  }

  get traffic(): Traffic {
    return this.#owner.traffic
  }

  onError(error: Error, isUnseen: boolean): void {
    this.#owner.connectionFailed(this, error, isUnseen)
  }

  onClosed(info: CloseInfo): void {
    this.#owner.connectionClosed(this, info)
  }
}
