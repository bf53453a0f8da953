import { fuzzConnection } from '../connection.ts'

/** A whole connection in the role of the server. */
export function fuzz(data: Uint8Array): void {
  fuzzConnection('server', data)
}
