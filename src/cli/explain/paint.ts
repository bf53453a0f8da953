import { styleText } from 'node:util'

/** What a piece of text is; colours are only ever an addition to words and signs. */
export type Ink = 'header' | 'length' | 'key' | 'payload' | 'close' | 'violation' | 'quiet' | 'strong'

type Style = Parameters<typeof styleText>[0]

const STYLES: Readonly<Record<Ink, Style>> = {
  header: 'blue',
  length: 'yellow',
  key: 'magenta',
  payload: 'green',
  close: 'cyan',
  violation: ['red', 'bold'],
  quiet: 'dim',
  strong: 'bold',
}

/** Paints text, or leaves it as it is. */
export type Paint = (ink: Ink, text: string) => string

/** For a terminal that shows colours. */
export const colourful: Paint = (ink, text) => styleText(STYLES[ink], text)

/** For everything else. */
export const plain: Paint = (_ink, text) => text

/** Whether a stream gets colours: https://no-color.org, and `FORCE_COLOR` as in Node. */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0'
  return stream.isTTY === true && TERM !== 'dumb'
}
