/** What a test asks of the process under attack, and what it answers. */

export type TargetKind = 'framewright' | 'ws'

/** How a server is set up; both libraries understand them all, unless a row says that it needs an option of ours. */
export interface Profile {
  /** What the application does with a connection. `none`: nothing at all, not even a listener. Default `echo`. */
  readonly app?: 'echo' | 'none'
  /** Whether the application decides about each request, by its path: `/wait`, `/reject`, `/throw`, `/never`. */
  readonly authorize?: boolean
  /** Milliseconds for the request head, `authorize` included where the library counts it. */
  readonly handshakeTimeout?: number
  /** Milliseconds for the closing handshake. */
  readonly closeTimeout?: number
  readonly maxPayload?: number
  /** The application offers this subprotocol, whatever the client said. */
  readonly chosenProtocol?: string
  /** Options that only this library has. */
  readonly ours?: {
    readonly heartbeat?: number
    readonly origins?: readonly string[]
    readonly writeStallTimeout?: number
    readonly maxPendingHandshakes?: number
    readonly maxConnections?: number
    readonly maxConnectionsPerAddress?: number
  }
}

export type Request =
  | { readonly do: 'serve'; readonly kind: TargetKind; readonly profile: Profile }
  | { readonly do: 'stop'; readonly port: number }
  | { readonly do: 'shutdown'; readonly port: number }
  | { readonly do: 'measure'; readonly gc: boolean }

/** The state of the process, from its start unless said otherwise. */
export interface Measure {
  /** Bytes after garbage collection; the three are 0 when that was not asked for. */
  readonly heapUsed: number
  readonly arrayBuffers: number
  readonly rss: number
  /** Microseconds of CPU. */
  readonly cpu: number
  /** TCP sockets that the event loop knows, listening ones not among them. */
  readonly sockets: number
  /** Timers of the library that have not run; 0 where they cannot be counted. */
  readonly timers: number
  /** Listeners on the process and on the servers. */
  readonly listeners: number
  /** Connections of all servers. */
  readonly connections: number
  /** Bytes that wait to be written, on all connections. */
  readonly buffered: number
  readonly messages: number
  /** How often the application was asked whether a request may connect. */
  readonly authorizations: number
  /** Close codes that the application saw. */
  readonly closes: readonly number[]
  /** Uncaught exceptions, unhandled rejections and leak warnings. There must be none. */
  readonly uncaught: readonly string[]
}

/** What each request is answered with. */
export interface Answers {
  serve: { readonly port: number }
  stop: null
  shutdown: null
  measure: Measure
}
