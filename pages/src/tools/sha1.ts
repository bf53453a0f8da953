/**
 * SHA-1, FIPS 180-4 §6.1. Browsers have it only as a promise, and not at all on pages that came over plain HTTP from another
 * machine; the accept value needs it at once.
 */
export function sha1(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const words = new DataView(padded.buffer)
  words.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000))
  words.setUint32(padded.length - 4, bytes.length << 3)
  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  const w = new Int32Array(80)
  for (let at = 0; at < padded.length; at += 64) {
    for (let t = 0; t < 80; t++) {
      w[t] = t < 16 ? words.getInt32(at + 4 * t) : rotate(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1)
    }
    let [a, b, c, d, e] = hash as [number, number, number, number, number]
    for (let t = 0; t < 80; t++) {
      const [mixed, constant] =
        t < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : t < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : t < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6]
      const next = (rotate(a, 5) + mixed + e + constant + w[t]!) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    for (const [i, value] of [a, b, c, d, e].entries()) hash[i] = (hash[i]! + value) | 0
  }
  const digest = new DataView(new ArrayBuffer(20))
  for (const [i, word] of hash.entries()) digest.setInt32(4 * i, word)
  return new Uint8Array(digest.buffer)
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
