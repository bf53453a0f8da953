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
const lines = rows
  .map((row) => row.split('\t'))
  .filter(([id]) => named.has(id))
  .map(([id, , , level, , , text]) => `  [${quoted(id)}, ${quoted(level)}, ${quoted(text)}],`)

const text = `// Made of docs/rfc/requirements.tsv by \`npm run requirements\`; do not edit.
import type { Level } from './types.ts'

/** The requirements that an annotation can name: id, level, and the rule in our words. */
export const REQUIREMENTS: ReadonlyArray<readonly [id: string, level: Level, text: string]> = [
${lines.join('\n')}
]
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
