import { HandshakeError } from '../errors.ts'
import type { WebSocketServerOptions } from '../server/options.ts'
import { WebSocketServer as Base } from '../server/server.ts'
import { serverPreset } from './presets.ts'
import { WebSocket } from './websocket.ts'

/**
 * `WebSocketServer` with the defaults of `ws`: 100 MiB messages, text as a Buffer, no heartbeat, every origin, the first
 * subprotocol that is offered, and 400 for another path. `clients` is undefined when `clientTracking` is false.
 */
export class WebSocketServer<Data = unknown> extends Base<Data> {
  /** As the class it extends; in `options` null stands for the default. */
  constructor(options: WebSocketServerOptions<Data>, callback?: () => void) {
    super({ WebSocket: WebSocket<Data>, ...serverPreset(options ?? {}) }, callback)
    if (options.clientTracking === false) Object.defineProperty(this, 'clients', { value: undefined })
  }

  /** The option of this name. */
  get path(): string | undefined {
    return this.options.path
  }

  protected override refusal(error: HandshakeError): HandshakeError {
    if (error.requirement !== '6455-4.2.2-8') return error
    return new HandshakeError(error.requirement, 400, 'the path is not served')
  }
}
