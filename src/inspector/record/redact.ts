/*
 * Secrets in the heads of a handshake are replaced byte for byte, so that offsets and lengths stay as they are on the wire:
 * whoever may look at connections need not be one who may take them over.
 */

/** What stands in the place of a secret: a character that every field may have. */
const MARK = 0x2a

/** Fields whose whole value is a secret. */
const SECRET_FIELDS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])

/** Parameters of a query that carry one. */
const SECRET_PARAMETER =
  /([?&](?:access_?token|id_?token|token|auth|authorization|bearer|jwt|api_?key|key|secret|password|passwd|pwd|session|sessionid|sid|sig|signature|ticket|code)=)([^&#\s]+)/gi

/** Names in a list of subprotocols behind which a token stands. */
const BEFORE_TOKEN = /^(?:bearer|token|auth|authorization|access_?token|jwt|api_?key)$/i

/** A name of a subprotocol that is no name: long, or one that says that it has a token in it. */
const TOKEN = /^(?:.{40,}|eyJ.*|.*(?:bearer|token|authorization|jwt|api_?key)[.\-_~=].+)$/i

/** A piece of bytes. */
export type Range = readonly [start: number, end: number]

/** Replaces the secrets of a head in place. @returns where they stood */
export function redactHead(bytes: Uint8Array): readonly Range[] {
  const ranges: Range[] = []
  // A character for each octet.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  let isSecret = false
  for (let start = 0; start < text.length; ) {
    const [line] = /^[^\r\n]*/.exec(text.slice(start)) as unknown as [string]
    if (start === 0) addQuery(ranges, line)
    // A line that begins with a space belongs to the one before it, RFC 9112 §5.2.
    else if (/^[ \t]/.test(line)) {
      if (isSecret) addTrimmed(ranges, start, line, 0)
    } else isSecret = addField(ranges, start, line)
    start += line.length
    while (start < text.length && (text[start] === '\r' || text[start] === '\n')) start++
  }
  for (const [start, end] of ranges) bytes.fill(MARK, start, end)
  return ranges
}

function addQuery(ranges: Range[], line: string): void {
  for (const match of line.matchAll(SECRET_PARAMETER)) {
    const start = match.index + match[1]!.length
    ranges.push([start, start + match[2]!.length])
  }
}

/** @returns whether lines that go on with it are secret */
function addField(ranges: Range[], start: number, line: string): boolean {
  const colon = line.indexOf(':')
  if (colon < 0) return false
  const name = line.slice(0, colon).trim().toLowerCase()
  if (SECRET_FIELDS.has(name)) {
    addTrimmed(ranges, start, line, colon + 1)
    return true
  }
  if (name !== 'sec-websocket-protocol') return false
  let isNext = false
  for (const match of line.slice(colon + 1).matchAll(/[^,\s]+/g)) {
    if (isNext || TOKEN.test(match[0])) {
      const at = start + colon + 1 + match.index
      ranges.push([at, at + match[0].length])
    }
    isNext = BEFORE_TOKEN.test(match[0])
  }
  return false
}

function addTrimmed(ranges: Range[], start: number, line: string, from: number): void {
  const value = line.slice(from)
  const text = value.trim()
  if (text === '') return
  const at = start + from + value.indexOf(text)
  ranges.push([at, at + text.length])
}
