// Writes src/inspector/annotate/requirements.ts: of docs/rfc/requirements.tsv the rows that an annotation can name.
// `--check` writes nothing and fails when the file is not what it would write.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = `${root}src/inspector/annotate/requirements.ts`

/** Where ids stand in strings of code. */
const sources = ['src/frames', 'src/handshake', 'src/inspector/annotate'].flatMap((folder) =>
  readdirSync(root + folder)
    .filter((name) => name.endsWith('.ts') && name !== 'requirements.ts')
    .map((name) => readFileSync(`${root}${folder}/${name}`, 'utf8')),
)
const named = new Set(
  sources.flatMap((source) => [...source.matchAll(/'((?:6455|7692)-[\d.]+-\d+)'/g)].map(([, id]) => id)),
)

const [, ...rows] = readFileSync(`${root}docs/rfc/requirements.tsv`, 'utf8').trimEnd().split('\n')
const wanted = rows.map((row) => row.split('\t')).filter(([id]) => named.has(id))
const entries = (column) => wanted.map((row) => `  ${quoted(row[0])}: ${quoted(row[column])},`).join('\n')

const text = `// Made of docs/rfc/requirements.tsv by \`npm run requirements\`; do not edit.
import type { Level } from './types.ts'

/** How strongly each requirement binds that an annotation can name. */
export const LEVELS: Readonly<Record<string, Level>> = {
${entries(3)}
}

/** The same requirements in our words; a page that does not show them does without. */
export const TEXTS: Readonly<Record<string, string>> = {
${entries(6)}
}
`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('requirements: src/inspector/annotate/requirements.ts is not current; npm run requirements')
    process.exit(1)
  }
} else writeFileSync(target, text)

function quoted(value) {
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`
}
