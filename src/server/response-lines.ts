import { type FieldLines, quote, UsageError } from '../errors.ts'

/** Lets listeners add to the lines of a response, as they are written, without line ends. */
export type EditLines = (lines: string[]) => void

/**
 * Shows the lines of a response to the listeners of `headers`.
 *
 * @param response - the response as it would be sent
 * @returns the field lines that were added; ours stay as they are
 * @throws UsageError when one is no field line
 */
export function addedLines(response: Uint8Array, edit: EditLines): FieldLines {
  const lines = Buffer.from(response.buffer, response.byteOffset, response.length).toString('latin1').trimEnd()
  const ours = lines.split('\r\n')
  const edited = [...ours]
  edit(edited)
  return edited.filter((line) => !ours.includes(line)).map(parseLine)
}

/** field-name ":" OWS field-value OWS; the handshake checks both. */
function parseLine(line: string): readonly [name: string, value: string] {
  const colon = String(line).indexOf(':')
  if (colon < 0) throw new UsageError(`a listener of headers added ${quote(String(line))}; that is no field line`)
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}
