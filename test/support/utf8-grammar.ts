/*
 * RFC 3629 §4 as the RFC writes it, a grammar; here as a regular expression over one character per octet. Slow, and as
 * easy to check against the RFC as can be.
 *
 *     UTF8-1 = %x00-7F
 *     UTF8-2 = %xC2-DF UTF8-tail
 *     UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) /
 *              %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
 *     UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) /
 *              %xF4 %x80-8F 2( UTF8-tail )
 */
const GRAMMAR = new RegExp(
  `^(?:${[
    '[\\x00-\\x7f]',
    '[\\xc2-\\xdf][\\x80-\\xbf]',
    '\\xe0[\\xa0-\\xbf][\\x80-\\xbf]',
    '[\\xe1-\\xec][\\x80-\\xbf]{2}',
    '\\xed[\\x80-\\x9f][\\x80-\\xbf]',
    '[\\xee-\\xef][\\x80-\\xbf]{2}',
    '\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}',
    '[\\xf1-\\xf3][\\x80-\\xbf]{3}',
    '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}',
  ].join('|')})*$`,
)

/** Whether the octets are UTF-8 from beginning to end. */
export function isUtf8ByTheGrammar(octets: readonly number[]): boolean {
  return GRAMMAR.test(String.fromCharCode(...octets))
}

/** One continuation octet of each range that the grammar tells apart, and both neighbours of all of them. */
export const BOUNDARY_OCTETS = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0] as const

/** 0 to 3 octets, each from {@link BOUNDARY_OCTETS}: if any octets can complete a character, some of these do. */
const COMPLETIONS: readonly (readonly number[])[] = (() => {
  const all: number[][] = [[]]
  for (let from = 0, length = 1; length <= 3; length++) {
    const to = all.length
    for (; from < to; from++) for (const octet of BOUNDARY_OCTETS) all.push([...all[from]!, octet])
  }
  return all
})()

/** Whether some octets behind these make UTF-8 of them: found by trying them all. */
export function canBeCompleted(octets: readonly number[]): boolean {
  return COMPLETIONS.some((completion) => isUtf8ByTheGrammar([...octets, ...completion]))
}
