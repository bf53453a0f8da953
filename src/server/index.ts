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
export type { TrustProxyOptions } from './client-address.ts'
export type { WebSocketClass, WebSocketServerOptions } from './options.ts'
export { WebSocketServer, type WebSocketServerEvents } from './server.ts'
export type { ShutdownOptions, ShutdownReport } from './shutdown.ts'
export type { ServerStats } from './stats.ts'
export type { AnyRequest, UpgradeRequest } from './upgrade-request.ts'
export type { VerifyClient, VerifyClientCallback, VerifyClientInfo } from './verify-client.ts'
