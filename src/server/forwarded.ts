/*
 * The field Forwarded, RFC 7239 §4.
 *
 *     Forwarded         = 1#forwarded-element
 *     forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
 *     forwarded-pair    = token "=" value
 *     value             = token / quoted-string
 *
 * Each proxy adds an element to the end, and only the elements of trusted ones are looked at. So the list is taken apart
 * from its end: whatever a client wrote to the front, a quote that is never closed for instance, changes nothing behind
 * it. And what a proxy quotes, a Host field that contains commas for instance, stays inside its quotes.
 */

/** The addresses that `for` names, element by element; empty where it names none, or the element is malformed. */
export function parseForwarded(value: string): string[] {
  const addresses: string[] = []
  let end = value.length
  while (end >= 0) {
    const comma = commaBefore(value, end)
    addresses.push(forOf(value.slice(comma + 1, end)))
    end = comma
  }
  return addresses.reverse()
}

/**
 * The address of a node without its port, RFC 7239 §6: `192.0.2.1:80`, `[2001:db8::1]:80`. What looks otherwise is given
 * back as it is.
 */
export function nodeAddress(node: string): string {
  const match = /^(?:([\d.]+)|\[([\da-f:.]+)\])(?::(?:\d{1,5}|_[\w.-]+))?$/i.exec(node)
  return match?.[1] ?? match?.[2] ?? node
}

/** Where the comma in front of the element is that ends at `end`; -1 when it is the first. */
function commaBefore(value: string, end: number): number {
  let isQuoted = false
  for (let i = end - 1; i >= 0; i--) {
    if (value[i] === '"' && !(isQuoted && isEscaped(value, i))) isQuoted = !isQuoted
    else if (value[i] === ',' && !isQuoted) return i
  }
  return -1
}

/** Whether an odd number of backslashes stands in front. */
function isEscaped(value: string, at: number): boolean {
  let start = at
  while (start > 0 && value[start - 1] === '\\') start--
  return (at - start) % 2 === 1
}

/** token "=" ( token / quoted-string ), with OWS around it; at its end `;` or the end of the element. */
const PAIR = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~:[\]-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(?:;|$)/suy

/** Lenient: the value of `for` may be an address with colons that is not quoted, as some proxies write it. */
function forOf(element: string): string {
  let address = ''
  let count = 0
  PAIR.lastIndex = 0
  do {
    const match = PAIR.exec(element)
    if (match === null) return ''
    const [, name, token, quoted] = match
    // RFC 7239 §4: a parameter stands at most once in an element.
    if (name?.toLowerCase() === 'for' && ++count > 1) return ''
    if (name?.toLowerCase() === 'for') address = nodeAddress(token ?? quoted!.replace(/\\(.)/gs, '$1'))
  } while (PAIR.lastIndex < element.length)
  return address
}
