/* The files of docs/illustrated/: what they hold, made of the session. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Direction,
  hex,
  parseSession,
  type Session,
  serializeSession,
  sessionBytes,
} from '../src/inspector/index.ts'
import { page } from './page/page.ts'
import type { Story } from './page/story.ts'
import { partsOf } from './parts.ts'
import { pcapngFile } from './pcapng.ts'
import { variantsOf } from './variants.ts'

/** The project's root folder. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Where the files are. */
export const FOLDER = `${ROOT}docs/illustrated/`

/** The session in the repository. */
export function committedSession(): Session {
  return parseSession(readFileSync(`${FOLDER}session.jsonl`, 'utf8'))
}

/** All files, by name. The same session gives the same files, on every machine. */
export async function filesOf(session: Session): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const story = await storyOf(session)
  return new Map<string, string | Uint8Array>([
    ['session.jsonl', serializeSession(session)],
    ['index.html', page(story)],
    ['session.pcapng', pcapngFile(session)],
    ['client-to-server.hex', hexFile(session, 'c2s')],
    ['server-to-client.hex', hexFile(session, 's2c')],
  ])
}

/** The session taken apart, and every variant of it tried. */
export async function storyOf(session: Session): Promise<Story> {
  const parts = partsOf(session)
  return { session, parts, variants: await variantsOf(session, parts), rules: rules() }
}

function rules(): Story['rules'] {
  const [, ...rows] = readFileSync(`${ROOT}docs/rfc/requirements.tsv`, 'utf8').trimEnd().split('\n')
  return new Map(
    rows.map((row) => {
      const [id = '', , , level = '', , , text = ''] = row.split('\t')
      return [id, { level, text }]
    }),
  )
}

function hexFile(session: Session, direction: Direction): string {
  const bytes = sessionBytes(session, direction)
  const lines: string[] = []
  for (let i = 0; i < bytes.length; i += 16) lines.push(hex(bytes, i, Math.min(i + 16, bytes.length)))
  return `${lines.join('\n')}\n`
}
