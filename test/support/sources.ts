import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

/** The sources: path from `src/`, with forward slashes, to text. */
export function readSources(): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (entry.endsWith('.ts')) files.set(entry.replaceAll('\\', '/'), readFileSync(join(SRC, entry), 'utf8'))
  }
  return files
}
