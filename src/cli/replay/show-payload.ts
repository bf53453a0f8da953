import { quote } from '../../errors.ts'

/** A payload as text, cut and safe for a terminal. */
export function textOf(payload: Uint8Array): string {
  return quote(Buffer.from(payload).toString(), 40)
}
