import type { ResponseHead } from '../handshake/head.ts'

/** What one chunk of the stream holds of a body. */
export interface BodyParts {
  readonly parts: readonly Uint8Array[]
  /** Whether the body is over. */
  readonly isEnd: boolean
}

/** Takes the next bytes of the stream. */
export type BodyDecoder = (chunk: Uint8Array) => BodyParts

/** How the body of a response ends, RFC 9112 §6.3: by its chunks, by its length, or with the connection. */
export function bodyDecoderOf({ status, fields }: ResponseHead): BodyDecoder {
  // They end with their head, whatever stands in it.
  if (status === 204 || status === 304) return lengthDecoder(0)
  if (fields.get('transfer-encoding')?.toLowerCase() === 'chunked') return chunkedDecoder()
  const length = fields.get('content-length')
  return lengthDecoder(length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY)
}

function lengthDecoder(length: number): BodyDecoder {
  let left = length
  return (chunk) => {
    const part = chunk.subarray(0, Math.min(left, chunk.length))
    left -= part.length
    return { parts: part.length > 0 ? [part] : [], isEnd: left === 0 }
  }
}

/** The longest line that can matter: a chunk size with an extension, or a trailer field. */
const MAX_LINE = 1024

/**
 * chunked-body = *( chunk-size CRLF chunk-data CRLF ) "0" CRLF trailer-section CRLF, RFC 9112 §7.1
 *
 * Lenient: what follows the last chunk's size is not looked at, and a malformed size ends the body; nothing but the text
 * of a refusal hangs on it.
 */
function chunkedDecoder(): BodyDecoder {
  let line = ''
  let left = 0
  let isData = false
  return (chunk) => {
    const parts: Uint8Array[] = []
    let at = 0
    while (at < chunk.length) {
      if (isData) {
        const part = chunk.subarray(at, at + left)
        parts.push(part)
        at += part.length
        left -= part.length
        if (left === 0) isData = false
        continue
      }
      const char = String.fromCharCode(chunk[at++]!)
      if (char !== '\n') {
        line += char
        if (line.length > MAX_LINE) return { parts, isEnd: true }
        continue
      }
      const text = line.replace('\r', '')
      line = ''
      // The empty line behind the data of a chunk.
      if (text === '') continue
      left = /^[\da-f]{1,12}\b/i.test(text) ? Number.parseInt(text, 16) : 0
      if (left === 0) return { parts, isEnd: true }
      isData = true
    }
    return { parts, isEnd: false }
  }
}
