import { describe, expect, it } from 'vitest'
import { checkArchitecture, FOLDERS, formatOffences, type Rule } from './support/architecture-rules.ts'
import { readSources } from './support/sources.ts'

describe('src/', () => {
  it('keeps to the import table of docs/architecture.md', () => {
    const files = readSources()
    expect(files.size).toBeGreaterThan(0)
    expect(formatOffences(checkArchitecture(files))).toEqual([])
  })
})

/** Files that offend nobody, for cases that need something to import. */
const BYSTANDERS = {
  'errors.ts': 'export class WebSocketError extends Error {}',
  'frames/opcode.ts': 'export const Opcode = { text: 1 } as const',
  'frames/index.ts': "export { Opcode } from './opcode.ts'",
  'handshake/key.ts': "import { createHash } from 'node:crypto'\nexport const hash = createHash",
  'extensions/extension.ts': 'export interface Extension { name: string }',
  'extensions/codec.ts': "import { inflateRawSync } from 'node:zlib'\nexport const inflate = inflateRawSync",
  'protocol/connection.ts': 'export class Connection {}',
  'socket/websocket.ts': 'export class WebSocket {}',
  'server/server.ts': 'export class WebSocketServer {}',
  'client/connect.ts': 'export const connect = 1',
}

function check(files: Record<string, string>): Array<{ at: string; rule: Rule; message: string }> {
  const all = new Map(Object.entries({ ...BYSTANDERS, ...files }))
  return checkArchitecture(all).map(({ file, line, rule, message }) => ({ at: `${file}:${line}`, rule, message }))
}

describe('checkArchitecture', () => {
  it('finds nothing wrong with a house in order', () => {
    expect(
      check({
        'frames/bytes.ts': "import { isUtf8 } from 'node:buffer'\nexport const check = isUtf8",
        'handshake/accept.ts': "import { WebSocketError } from '../errors.ts'\nexport const fault = WebSocketError",
        'protocol/assembly.ts':
          "import type { Extension } from '../extensions/extension.ts'\nexport type Chain = Extension[]",
        'socket/driver.ts':
          "import { Duplex } from 'node:stream'\nimport { Connection } from '../protocol/connection.ts'\nexport { Duplex, Connection }",
        'server/listen.ts':
          "import { createServer } from 'node:net'\nimport '../socket/websocket.ts'\nexport const run = async () => setTimeout(createServer, Date.now())",
        'pubsub/redis/backplane.ts': "import { createClient } from 'redis'\nexport const make = createClient",
        'compat/ws.ts': "import { WebSocketServer } from '../server/server.ts'\nexport default WebSocketServer",
        'cli/main.ts':
          "import { Opcode } from '../frames/index.ts'\nexport const load = () => import('./serve.ts').then(() => Opcode)",
        'cli/serve.ts': "import { readFile } from 'node:fs/promises'\nexport const read = readFile",
        'index.ts': "export { Opcode } from './frames/index.ts'\nexport { WebSocketServer } from './server/server.ts'",
      }),
    ).toEqual([])
  })

  it.each<{ name: string; rule: Rule; file: string; source: string }>([
    { name: 'an import upwards', rule: 'layer', file: 'frames/a.ts', source: "import '../protocol/connection.ts'" },
    {
      name: 'a type-only import upwards',
      rule: 'layer',
      file: 'frames/a.ts',
      source: "import type { Connection } from '../protocol/connection.ts'",
    },
    {
      name: 'an inline import type upwards',
      rule: 'layer',
      file: 'frames/a.ts',
      source: "export type C = import('../protocol/connection.ts').Connection",
    },
    {
      name: 'a re-export from above',
      rule: 'layer',
      file: 'handshake/a.ts',
      source: "export { Connection } from '../protocol/connection.ts'",
    },
    {
      name: 'neighbours that must not meet',
      rule: 'layer',
      file: 'handshake/a.ts',
      source: "import '../frames/opcode.ts'",
    },
    {
      name: 'protocol reaching past the extension seam',
      rule: 'layer',
      file: 'protocol/a.ts',
      source: "import '../extensions/codec.ts'",
    },
    { name: 'client reaching for server', rule: 'layer', file: 'client/a.ts', source: "import '../server/server.ts'" },
    {
      name: 'testing reaching for server',
      rule: 'layer',
      file: 'testing/a.ts',
      source: "import '../server/server.ts'",
    },
    {
      name: 'pubsub reaching for socket',
      rule: 'layer',
      file: 'pubsub/a.ts',
      source: "import '../socket/websocket.ts'",
    },
    {
      name: 'anything importing index.ts of the package',
      rule: 'index',
      file: 'server/a.ts',
      source: "import '../frames/index.ts'",
    },
    { name: 'a folder importing its own index.ts', rule: 'index', file: 'frames/a.ts', source: "import './index.ts'" },
    {
      name: 'a builtin in a folder that has none',
      rule: 'node',
      file: 'protocol/a.ts',
      source: "import 'node:stream'",
    },
    {
      name: 'node:buffer beside frames/bytes.ts',
      rule: 'node',
      file: 'frames/a.ts',
      source: "import { Buffer } from 'node:buffer'",
    },
    {
      name: 'node:crypto beside handshake/key.ts',
      rule: 'node',
      file: 'handshake/a.ts',
      source: "import 'node:crypto'",
    },
    { name: 'node:zlib in a second file', rule: 'node', file: 'extensions/deflate.ts', source: "import 'node:zlib'" },
    { name: 'node:net in socket/', rule: 'node', file: 'socket/a.ts', source: "import 'node:net'" },
    { name: 'a builtin in annotate', rule: 'node', file: 'inspector/annotate.ts', source: "import 'node:fs'" },
    { name: 'a builtin without its prefix', rule: 'package', file: 'server/a.ts', source: "import 'net'" },
    { name: 'a dependency', rule: 'package', file: 'server/a.ts', source: "import 'left-pad'" },
    {
      name: 'an optional peer away from its adapter',
      rule: 'package',
      file: 'pubsub/topics.ts',
      source: "import 'redis'",
    },
    {
      name: 'an import of the tests',
      rule: 'outside',
      file: 'server/a.ts',
      source: "import '../../test/support/hex.ts'",
    },
    { name: 'an import of the benchmarks', rule: 'outside', file: 'errors.ts', source: "import '../bench/echo.ts'" },
    { name: 'an import of no file', rule: 'unresolved', file: 'server/a.ts', source: "import './b.ts'" },
    { name: 'an import without its extension', rule: 'unresolved', file: 'server/a.ts', source: "import './server'" },
    {
      name: 'a dynamic import',
      rule: 'dynamic',
      file: 'server/a.ts',
      source: "export const f = () => import('./server.ts')",
    },
    { name: 'a folder that the table does not know', rule: 'folder', file: 'utils/a.ts', source: 'export const a = 1' },
    {
      name: 'a top-level file that the table does not know',
      rule: 'folder',
      file: 'helpers.ts',
      source: 'export const a = 1',
    },
    { name: 'export *', rule: 'star', file: 'frames/a.ts', source: "export * from './opcode.ts'" },
    { name: 'export * as', rule: 'star', file: 'frames/a.ts', source: "export * as all from './opcode.ts'" },
    { name: 'export type *', rule: 'star', file: 'frames/a.ts', source: "export type * from './opcode.ts'" },
    { name: 'a default export', rule: 'default', file: 'frames/a.ts', source: 'export default 1' },
    { name: 'a default class', rule: 'default', file: 'frames/a.ts', source: 'export default class A {}' },
    {
      name: 'a name exported as default',
      rule: 'default',
      file: 'frames/a.ts',
      source: 'const a = 1\nexport { a as default }',
    },
    { name: 'a file importing itself', rule: 'cycle', file: 'frames/a.ts', source: "import './a.ts'" },
    { name: 'a file of 401 lines', rule: 'length', file: 'frames/a.ts', source: 'export {}\n'.repeat(401) },
  ])('reports $name', ({ rule, file, source }) => {
    const found = check({ [file]: source })
    expect(found.map((offence) => offence.rule)).toEqual([rule])
    expect(found[0]!.at.startsWith(`${file}:`)).toBe(true)
  })

  it.each([
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'queueMicrotask(f)',
    'globalThis.setTimeout(f, 1)',
    'new Promise(f)',
    'Promise.resolve()',
    'async () => {}',
    'Date.now()',
    'new Date()',
    'Math.random()',
    'performance.now()',
    'process.env',
    'process.nextTick(f)',
    'console.log(1)',
    'class extends EventEmitter {}',
  ])('reports %s in every pure folder, and nowhere else', (expression) => {
    const source = `declare const f: () => void\nexport const a = ${expression}`
    const caught = Object.keys(FOLDERS).filter((folder) => {
      const file = folder === 'index' || folder === 'errors' ? `${folder}.ts` : `${folder}/a.ts`
      const found = check({ [file]: source })
      return found.length === 1 && found[0]!.rule === 'global' && found[0]!.at === `${file}:2`
    })
    expect(caught).toEqual(['errors', 'frames', 'handshake', 'extensions', 'protocol'])
    expect(check({ 'inspector/annotate-frames.ts': source })).toHaveLength(1)
  })

  it('reports a promise that is only a type, and an async method', () => {
    expect(check({ 'protocol/a.ts': 'export type Later = Promise<void>' })).toHaveLength(1)
    expect(check({ 'protocol/a.ts': 'export class A {\n  async run() {}\n}' })).toMatchObject([
      { at: 'protocol/a.ts:2' },
    ])
  })

  it('reads code, not comments, strings or members that share a name', () => {
    const source = `
      // console.log(Date.now()), import 'node:net'
      /** Returns a Promise: await setTimeout(). */
      export const text = "import 'node:net'; export default process.env; Math.random()"
      export class A { process = 1; console(): number { return this.process } }
      export const b = (a: { Promise: number }) => a.Promise`
    expect(check({ 'frames/a.ts': source })).toEqual([])
  })

  it('reports a cycle once, with its path, type-only imports included', () => {
    const found = check({
      'frames/a.ts': "import { b } from './b.ts'\nexport const a = b",
      'frames/b.ts': "import { c } from './c.ts'\nexport const b = c",
      'frames/c.ts': "import type { a } from './a.ts'\nexport const c = 1 as unknown as typeof a",
    })
    expect(found).toMatchObject([{ rule: 'cycle', at: 'frames/a.ts:1' }])
    expect(found[0]!.message).toContain('frames/a.ts -> frames/b.ts -> frames/c.ts -> frames/a.ts')
  })

  it('reports two separate cycles as two', () => {
    const found = check({
      'frames/a.ts': "import './b.ts'",
      'frames/b.ts': "import './a.ts'",
      'frames/c.ts': "import './d.ts'",
      'frames/d.ts': "import './c.ts'",
    })
    expect(found.map(({ rule }) => rule)).toEqual(['cycle', 'cycle'])
  })

  it('takes a file of exactly 400 lines', () => {
    expect(check({ 'frames/a.ts': 'export {}\n'.repeat(400) })).toEqual([])
  })

  it('names the line and prints offences as file:line', () => {
    const files = new Map([['frames/a.ts', "\n\nimport 'node:net'\n"]])
    expect(formatOffences(checkArchitecture(files))).toEqual([
      'src/frames/a.ts:3 [node] imports node:net; frames may import buffer in frames/bytes.ts',
    ])
  })
})
