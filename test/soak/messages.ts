/** What the parent asks of the server's process. */
export type Request = { readonly ask: 'sample' } | { readonly ask: 'end' }

/** Memory after a full collection, and what is open. */
export interface Sample {
  readonly heapUsed: number
  /** Memory of buffers outside the heap. */
  readonly arrayBuffers: number
  readonly rss: number
  readonly connections: number
  readonly received: number
  /** Bytes that the server sends of its own accord, and that its transports have not taken. */
  readonly sending: number
}

/** What was left when all connections had gone and the server was closed; every list empty when all is well. */
export interface Leftovers {
  readonly connections: number
  readonly timers: number
  /** Resources that keep the event loop alive, beyond those from before the server. */
  readonly handles: readonly string[]
  /** Listeners on the process, beyond those from before the server. */
  readonly listeners: readonly string[]
}

/** What the server's process says. */
export type Report =
  | { readonly say: 'listening'; readonly port: number }
  | { readonly say: 'sample'; readonly sample: Sample }
  | { readonly say: 'fault'; readonly connection: number; readonly what: string }
  | {
      readonly say: 'ended'
      readonly leftovers: Leftovers
      readonly messages: number
      readonly accepted: number
      readonly closes: Readonly<Record<string, number>>
      /** Memory after everything is gone. */
      readonly heapUsed: number
      readonly heapAtStart: number
    }
