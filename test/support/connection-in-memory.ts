import type { Extension } from '../../src/extensions/extension.ts'
import { SlabPool } from '../../src/protocol/output.ts'
import type { CloseInfo } from '../../src/socket/close-info.ts'
import { Heartbeat } from '../../src/socket/heartbeat.ts'
import { checkSocketOptions, type SocketOptions } from '../../src/socket/options.ts'
import { attach, startReading, WebSocket } from '../../src/socket/websocket.ts'
import { describeFrames } from './connection-pair.ts'
import { FakeClock } from './fake-clock.ts'
import { MemoryTransport } from './memory-transport.ts'

/** A server's connection over a transport in memory, with time standing still. */
export class ConnectionInMemory {
  readonly clock = new FakeClock()
  readonly transport: MemoryTransport
  readonly ws = new WebSocket(null)
  /** What went to the server's `connectionError`. */
  readonly errors: Array<{ readonly error: Error; readonly isUnseen: boolean }> = []
  readonly ends: CloseInfo[] = []

  /** @param start - whether reading begins at once */
  constructor(
    options: SocketOptions = {},
    { writesAreCopied = false, start = true, transport = {}, extension = null as Extension | null } = {},
  ) {
    const checked = checkSocketOptions({ clock: this.clock, ...options }, true)
    this.transport = new MemoryTransport(transport)
    attach(this.ws, {
      socket: this.transport,
      driver: {
        ...checked,
        connection: { ...checked, role: 'server', slabPool: new SlabPool(), extension },
        heartbeat: new Heartbeat(checked.clock, checked.heartbeat),
        writesAreCopied,
      },
      textFormat: checked.textFormat,
      withoutListener: checked.withoutListener,
      protocol: 'chat',
      extensions: '',
      data: { user: 'ada' },
      remoteAddress: undefined,
      onError: (error, isUnseen) => this.errors.push({ error, isUnseen }),
      onClosed: (info) => this.ends.push(info),
    })
    if (start) this.start()
  }

  start(head: Uint8Array = new Uint8Array(0)): void {
    startReading(this.ws, head)
  }

  /** The frames that were sent since the last look, one line each. */
  takeFrames(): string[] {
    return describeFrames(this.transport.takeWritten())
  }
}
