import type { Duplex } from 'node:stream'
import { hookAtOnce, hookLater, toError } from '../ground/application.ts'
import { type Rejection, reject } from './admission.ts'
import type { AnyRequest } from './upgrade-request.ts'

/** What `verifyClient` gets. */
export interface VerifyClientInfo {
  /** Value of `Origin`; undefined when there was none. */
  readonly origin: string | undefined
  /** Whether the transport is TLS. */
  readonly secure: boolean
  /** The request. */
  readonly req: AnyRequest
}

/**
 * Takes the decision of `verifyClient`.
 *
 * @param code - status of the refusal, 300-599; default 401
 * @param message - its body
 * @param headers - its further fields
 */
export type VerifyClientCallback = (
  result: boolean,
  code?: number,
  message?: string,
  headers?: Readonly<Record<string, string>>,
) => void

/** Decides as in `ws`: with one parameter by what it returns, with two by calling back. */
export type VerifyClient =
  | ((info: VerifyClientInfo) => boolean)
  | ((info: VerifyClientInfo, callback: VerifyClientCallback) => void)

/** What {@link VerifyClient} gets of a request. */
export function verifyClientInfo(request: AnyRequest, origin: string | undefined, socket: Duplex): VerifyClientInfo {
  const { encrypted, authorized } = socket as { encrypted?: boolean; authorized?: boolean }
  return { origin, secure: encrypted === true || authorized === true, req: request }
}

/** Whether the decision comes by return value. */
export function isSynchronous(verifyClient: VerifyClient): verifyClient is (info: VerifyClientInfo) => boolean {
  return verifyClient.length < 2
}

/** The refusal when `verifyClient` says no, and nothing else. */
export function refusedClient(): Rejection {
  return reject(401, 'the client was not accepted')
}

/** @returns the refusal, or null; rejects with what the function threw, or when a status or field cannot be sent */
export function askVerifyClient(verifyClient: VerifyClient, info: VerifyClientInfo): Promise<Rejection | null> {
  return new Promise((resolve, fail) => {
    if (isSynchronous(verifyClient)) {
      resolve(hookAtOnce('the option verifyClient', verifyClient, info) ? null : refusedClient())
      return
    }
    const decide: VerifyClientCallback = (
      result,
      code = 401,
      message = 'the client was not accepted',
      headers = {},
    ) => {
      if (result) {
        resolve(null)
        return
      }
      try {
        resolve(reject(code, message, headers))
      } catch (error) {
        fail(toError(error))
      }
    }
    hookLater('the option verifyClient', verifyClient, info, decide).catch(fail)
  })
}
