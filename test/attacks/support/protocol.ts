/** What a test asks of the process under attack, and what it answers. */

export type TargetKind = 'framewright' | 'ws'

/** How a server is set up; both libraries understand them all, unless a row says that it needs an option of ours. */
export interface Profile {
  /** What the application does with a connection. `none`: nothing at all, not even a listener. Default `echo`. */
  readonly app?: 'echo' | 'none'
  /** Whether the application decides about each request, by its path: `/wait/10`, `/reject`, `/throw`, `/never`. */
  readonly authorize?: boolean
  /** Milliseconds for the request head, `authorize` included where the library counts it. */
  readonly handshakeTimeout?: number
  /** Milliseconds for the closing handshake. */
  readonly closeTimeout?: number
  /** Default 1 MiB, which is our own default. */
  readonly maxPayload?: number
  readonly maxFragments?: number
  /** Whether messages of any length are compressed, with the library's own defaults otherwise. */
  readonly deflate?: boolean
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
  | { readonly do: 'resetPeak' }
  /** Sends a request to a server, split at every octet. */
  /** Pings a server over TCP from within its process, `count` times and until so many connections have closed. */
  | { readonly do: 'ping'; readonly port: number; readonly count: number; readonly closes: number }
  /** Sends a message to a server on a connection in memory, in chunks of one byte. */
  | { readonly do: 'drip'; readonly port: number; readonly bytes: number }
  | { readonly do: 'split'; readonly port: number; readonly text: string }

/** What a server made of a request that ended or was upgraded. */
export interface SplitAnswer {
  /** How the request was cut. */
  readonly cut: string
  readonly status: number
  readonly responses: number
}

/** The state of the process, from its start unless said otherwise. */
export interface Measure {
  /** Bytes after garbage collection; the three are 0 when that was not asked for. */
  readonly heapUsed: number
  /** Outside of the heap: buffers, and what zlib holds. */
  readonly external: number
  readonly rss: number
  /** The largest resident set since `resetPeak`, in bytes. */
  readonly peakRss: number
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
  /** The most that one connection has sent and the process has read, of those that are over. */
  readonly mostRead: number
  /** What the server told the application about handshakes and connections that failed. */
  readonly reported: number
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
  resetPeak: null
  split: SplitAnswer[]
  /** Microseconds of CPU. */
  drip: number
  /** Microseconds of CPU that the process used for each, the shortest first. */
  ping: readonly number[]
}
