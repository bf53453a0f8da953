/** Numbers from a seed: the same seed gives the same run. Mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Octets at which parsers of frames, heads and text turn off. */
const SPECIAL = [
  0, 1, 3, 8, 9, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x3b, 0x5c, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x88,
].concat([0x89, 0x8a, 0xbf, 0xc0, 0xc1, 0xe2, 0xed, 0xf0, 0xf4, 0xfd, 0xfe, 0xff])

/** What has a meaning as a whole. */
const TOKENS = [
  ...['\r\n', '\r\n\r\n', '\n', ' ', '\t', ': ', ', ', '; ', '="', 'GET ', 'HTTP/1.1', 'Host: a', 'Upgrade: websocket'],
  ...['Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ...['Content-Length: 0', 'Transfer-Encoding: chunked', 'permessage-deflate', '__proto__', 'client_max_window_bits'],
  ...['server_max_window_bits=10', 'client_no_context_takeover'],
]
  .map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)))
  .concat(
    [
      [0x81, 0x80, 0, 0, 0, 0],
      [0x01, 0x81, 0, 0, 0, 0, 0x61],
      [0x80, 0x80, 0, 0, 0, 0],
      [0x89, 0x80, 0, 0, 0, 0],
      [0x88, 0x82, 0, 0, 0, 0, 3, 0xe8],
      [0x82, 0xfe, 0, 126],
      [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0],
      [0xe2, 0x82, 0xac],
      [0xf0, 0x9f, 0x98, 0x80],
      [0x00, 0x00, 0xff, 0xff],
      // A DEFLATE stream of nothing.
      [0x03, 0x00],
    ].map((octets) => Uint8Array.from(octets)),
  )

const LONGEST = 4096

/** A changed copy of an input. @param corpus - where parts of other inputs come from */
export function mutate(input: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = input
  for (let times = 1 + random.below(4); times > 0; times--) bytes = mutateOnce(bytes, corpus, random)
  return bytes.subarray(0, LONGEST)
}

function mutateOnce(bytes: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  const length = Math.min(1 + random.below(1 << random.below(7)), bytes.length - at)
  switch (random.below(8)) {
    case 0:
      return changed(bytes, at, (octet) => octet ^ (1 << random.below(8)))
    case 1:
      return changed(bytes, at, () => random.below(256))
    case 2:
      return changed(bytes, at, () => random.pick(SPECIAL))
    case 3:
      return changed(bytes, at, (octet) => octet + random.below(17) - 8)
    case 4:
      return spliced(bytes, at, at + length, NO_BYTES)
    case 5:
      return spliced(bytes, at, at, bytes.subarray(at, at + length))
    case 6:
      return spliced(bytes, at, at, random.pick(TOKENS))
    default: {
      const other = random.pick(corpus)
      const from = random.below(other.length + 1)
      return spliced(bytes, at, at + length, other.subarray(from, from + 1 + random.below(64)))
    }
  }
}

const NO_BYTES = new Uint8Array(0)

function changed(bytes: Uint8Array, at: number, change: (octet: number) => number): Uint8Array {
  if (at >= bytes.length) return spliced(bytes, at, at, Uint8Array.of(change(0)))
  const copy = bytes.slice()
  copy[at] = change(copy[at]!)
  return copy
}

function spliced(bytes: Uint8Array, start: number, end: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (end - start) + insert.length)
  result.set(bytes.subarray(0, start))
  result.set(insert, start)
  result.set(bytes.subarray(end), start + insert.length)
  return result
}
