import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, it, type TestFunction } from 'vitest'
import { ROOT } from './child.ts'

const { FRAMEWRIGHT_REQUIRE_ALL, PATH = '' } = process.env

/** What `npm ci --prefix test/integration` installs. */
export const PACKAGES = join(ROOT, 'test/integration/node_modules')

/**
 * What some tests need and `npm ci` does not bring. A test for which it is absent is skipped with a line that says so; with
 * `FRAMEWRIGHT_REQUIRE_ALL=1`, as in CI, it fails instead.
 */
const SEARCHES = {
  // `npm run test:all` and `npm run test:peers` install them.
  'test/integration': () => (existsSync(join(PACKAGES, 'ws/index.cjs')) ? PACKAGES : undefined),
  pages: () => (existsSync(join(ROOT, 'pages/node_modules/axe-core/axe.min.js')) ? join(ROOT, 'pages') : undefined),
  chromium: () => findExecutable(['chromium', 'chromium-browser', 'google-chrome']),
  nginx: () => findExecutable(['nginx']),
  tshark: () => findExecutable(['tshark']),
  'redis-server': () => findExecutable(['redis-server']),
  // Debian's own interpreter: the package is installed for it and for no other.
  'python3-websockets': () =>
    succeeds('/usr/bin/python3', ['-c', 'import websockets']) ? '/usr/bin/python3' : undefined,
  'python3-tornado': () =>
    succeeds('/usr/bin/python3', ['-c', 'import tornado.websocket']) ? '/usr/bin/python3' : undefined,
} as const

export type Program = keyof typeof SEARCHES

const found = new Map<Program, string | undefined>()

/** Path of the executable that runs `program`, or `undefined` when it is not installed. Looked up once. */
export function findProgram(program: Program): string | undefined {
  if (!found.has(program)) found.set(program, SEARCHES[program]())
  return found.get(program)
}

/** As {@link findProgram}, for tests that run only when it is there. */
export function programPath(program: Program): string {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  return path
}

/** A `describe` whose tests need `program`. */
export function describeWith(program: Program, name: string, body: () => void): void {
  const verdict = judge(program)
  if (verdict === 'run') describe(name, body)
  else if (verdict === 'skip') describe.skip(`${name} [skipped: ${program} is not installed]`, body)
  else describe(name, () => it(`needs ${program}`, failFor(program)))
}

/** An `it` that needs `program`; `timeout` is in milliseconds, by default that of all tests. */
export function itWith(program: Program, name: string, body: TestFunction, timeout?: number): void {
  const verdict = judge(program)
  if (verdict === 'run') it(name, body, timeout)
  else if (verdict === 'skip') it.skip(`${name} [skipped: ${program} is not installed]`, body)
  else it(name, failFor(program))
}

function judge(program: Program): 'run' | 'skip' | 'fail' {
  if (findProgram(program) !== undefined) return 'run'
  if (FRAMEWRIGHT_REQUIRE_ALL === '1') return 'fail'
  console.warn(`skipped: ${program} is not installed (FRAMEWRIGHT_REQUIRE_ALL=1 makes this a failure)`)
  return 'skip'
}

function failFor(program: Program): () => never {
  return () => {
    throw new Error(`${program} is not installed, and FRAMEWRIGHT_REQUIRE_ALL=1 forbids skipping`)
  }
}

function findExecutable(names: readonly string[]): string | undefined {
  // /usr/sbin is not on every user's PATH, but runs for every user.
  const folders = ['/usr/bin', '/usr/sbin', ...PATH.split(delimiter)]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
