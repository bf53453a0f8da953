import { isUtf8 } from 'node:buffer'
import { readStatusCode } from '../../../src/frames/close-code.ts'
import { checkClosePayload, readReason, serializeClosePayload } from '../../../src/frames/close-payload.ts'
import { must } from '../input.ts'

/** The payload of a Close frame: valid exactly by RFC 6455 §7.4 and §5.5.1; what is valid is the same when written again. */
export function fuzz(data: Uint8Array): void {
  const body = data.slice(0, 125)
  const code = body.length < 2 ? 0 : body[0]! * 256 + body[1]!
  const isCode = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
  const isValid = body.length === 0 || (body.length >= 2 && isCode && isUtf8(body.subarray(2)))
  must((checkClosePayload(body) === null) === isValid, () => `code ${code}, valid is ${isValid}`)
  if (!isValid || body.length === 0) return
  const again = serializeClosePayload(readStatusCode(body), readReason(body))
  must(Buffer.compare(again, body) === 0, () => 'the payload changed when it was written again')
}
