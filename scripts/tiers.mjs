// What the tests are divided into: `npm test` runs the quick tier, and test/tiers.json names what is left out of it and why.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The tiers beside the quick one: `{ name: { what, paths } }`; a path is a file, or a folder with a slash at its end. */
export function readTiers(root) {
  return JSON.parse(readFileSync(join(root, 'test', 'tiers.json'), 'utf8'))
}

/** The tier of a test file, `quick` when no other has it. */
export function tierOf(file, tiers) {
  const holds = ([, { paths }]) => paths.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path))
  return Object.entries(tiers).find(holds)?.[0] ?? 'quick'
}

/** The quick tier's files that do less in `npm test` than with `EFFORT=1`. */
export function filesWithProperties(root, tiers) {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .filter(
      (file) =>
        tierOf(file, tiers) === 'quick' &&
        /\/(?:fc-options|effort|wire)\.ts'/.test(readFileSync(join(root, file), 'utf8')),
    )
    .sort()
}
