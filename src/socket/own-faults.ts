/* Why we end a connection whose peer broke no rule. */
import { StatusCode } from '../frames/status-code.ts'
import type { Violation } from '../frames/violation.ts'

/** RFC 6455 §7.4.1: what the peer is told when the application fails; the cause stays on our side. */
export const applicationFailed: Violation = Object.freeze({
  id: '6455-7.4.1-8',
  statusCode: StatusCode.InternalError,
  message: 'the application failed',
})

/** RFC 6455 §7.4.1, and 1013 of the registry: the peer may try again later. */
export const outOfMemory: Violation = Object.freeze({
  id: '6455-10.4-1',
  statusCode: StatusCode.TryAgainLater,
  message: 'the server is short of memory',
})
