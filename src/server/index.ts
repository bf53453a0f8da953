/** The server: listens, admits, and hands out connections. */
export {
  Acceptance,
  type Admission,
  type Authorize,
  type AuthorizeContext,
  accept,
  type ConnectionChoices,
  Rejection,
  reject,
} from './admission.ts'
export type { WebSocketServerOptions } from './options.ts'
export { WebSocketServer, type WebSocketServerEvents } from './server.ts'
export type { ShutdownOptions, ShutdownReport } from './shutdown.ts'
export type { UpgradeRequest } from './upgrade-request.ts'
