import { classAt, OctetClass } from './octets.ts'

const REG_NAME_SPECIALS = "-._~!$&'()*+,;="
const MAX_PORT_DIGITS = 5
const MAX_PORT = 65_535
const MAX_IPV6_LENGTH = 45
const IPV6_GROUPS = 8

/**
 * Whether text names a host and perhaps a port, as a Host field does for a `ws` URI. RFC 9112 §3.2, RFC 3986 §3.2.2.
 *
 *     Host     = uri-host [ ":" port ]
 *     uri-host = IP-literal / IPv4address / reg-name
 *
 * Stricter than RFC: the host is not empty (a `ws` URI has one), there is no userinfo, the port is at most 65535, and an
 * IP-literal is an IPv6 address without a zone.
 */
export function isAuthority(text: string): boolean {
  const hostEnd = text.startsWith('[') ? ipLiteralEnd(text) : regNameEnd(text)
  if (hostEnd <= 0) return false
  return hostEnd === text.length || (text[hostEnd] === ':' && isPort(text.slice(hostEnd + 1)))
}

/** reg-name = *( unreserved / pct-encoded / sub-delims ); the offset where it ends, -1 when a `%` stands alone. */
function regNameEnd(text: string): number {
  let i = 0
  while (i < text.length) {
    if (text[i] === '%') {
      if ((classAt(text, i + 1) & classAt(text, i + 2) & OctetClass.Hex) === 0) return -1
      i += 3
    } else if (isRegNameChar(text, i)) {
      i++
    } else {
      break
    }
  }
  return i
}

function isRegNameChar(text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 0x20
  return (code >= 0x61 && code <= 0x7a) || isDigit(text, at) || REG_NAME_SPECIALS.includes(text[at]!)
}

/** port = *DIGIT */
function isPort(text: string): boolean {
  if (text.length > MAX_PORT_DIGITS) return false
  for (let i = 0; i < text.length; i++) {
    if (!isDigit(text, i)) return false
  }
  return Number(text) <= MAX_PORT
}

/** IP-literal = "[" IPv6address "]"; the offset where it ends, -1 when it is none. */
function ipLiteralEnd(text: string): number {
  const close = text.indexOf(']')
  return close > 0 && close <= MAX_IPV6_LENGTH + 1 && isIPv6(text.slice(1, close)) ? close + 1 : -1
}

/** IPv6address: eight groups, or fewer around one `::`; the last two may be written as an IPv4 address. */
function isIPv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [i, half] of halves.entries()) {
    const counted = countGroups(half, i === halves.length - 1)
    if (counted < 0) return false
    groups += counted
  }
  return halves.length === 1 ? groups === IPV6_GROUPS : groups < IPV6_GROUPS
}

/** h16 *( ":" h16 ), perhaps with an IPv4address in the end; -1 when it is not that. */
function countGroups(text: string, isLast: boolean): number {
  if (text === '') return 0
  const parts = text.split(':')
  let groups = parts.length
  const last = parts.at(-1)!
  if (isLast && last.includes('.')) {
    if (!isIPv4(last)) return -1
    parts.pop()
    groups++
  }
  return parts.every(isH16) ? groups : -1
}

/** h16 = 1*4HEXDIG */
function isH16(text: string): boolean {
  if (text.length === 0 || text.length > 4) return false
  for (let i = 0; i < text.length; i++) {
    if ((classAt(text, i) & OctetClass.Hex) === 0) return false
  }
  return true
}

/** IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet */
function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return (
    parts.length === 4 &&
    parts.every((part) => String(Number(part)) === part && Number(part) >= 0 && Number(part) <= 255)
  )
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}
