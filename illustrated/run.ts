/*
 * `npm run illustrate`: records the session anew and makes docs/illustrated/ of it. With `--page` the session stays as it is;
 * with `--check` nothing is written: exit code 1 when the files are not what the session gives, or the server says other things.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { committedSession, FOLDER, filesOf } from './files.ts'
import { differences } from './replay.ts'

const { check, page } = parseArgs({
  options: { check: { type: 'boolean', default: false }, page: { type: 'boolean', default: false } },
}).values

const session = check || page ? committedSession() : await (await import('./record.ts')).record()
const files = await filesOf(session)
if (check) {
  const faults = (await differences(session)).map((text) => `the server answers otherwise: ${text}`)
  for (const [name, content] of files) {
    if (
      existsSync(FOLDER + name) &&
      readFileSync(FOLDER + name).equals(typeof content === 'string' ? Buffer.from(content) : content)
    )
      continue
    faults.push(`docs/illustrated/${name} is not what the session gives: npm run illustrate -- --page`)
  }
  for (const fault of faults) console.error(`illustrate: ${fault}`)
  process.exitCode = faults.length > 0 ? 1 : 0
} else {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, content] of files) writeFileSync(FOLDER + name, content)
  console.log(`wrote ${[...files.keys()].join(', ')} to docs/illustrated/`)
}
