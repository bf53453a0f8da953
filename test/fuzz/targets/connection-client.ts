import { fuzzConnection } from '../connection.ts'

/** A whole connection in the role of the client. */
export function fuzz(data: Uint8Array): void {
  fuzzConnection('client', data)
}
