/** The server: listens, admits, and hands out connections. */
export { type Authorize, type AuthorizeContext, Rejection, reject } from './admission.ts'
export type { WebSocketServerOptions } from './options.ts'
export { WebSocketServer, type WebSocketServerEvents } from './server.ts'
export type { ShutdownOptions, ShutdownReport } from './shutdown.ts'
export type { UpgradeRequest } from './upgrade-request.ts'
