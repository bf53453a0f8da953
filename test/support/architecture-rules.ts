import { posix } from 'node:path'
import ts from 'typescript'

/**
 * The import table of `docs/architecture.md` as data, and the checker that holds source files against it.
 *
 * The checker is a pure function from `path -> source` to a list of offences, so that the rules themselves can be tested.
 * It reads the syntax tree, not the text: a forbidden word in a comment or in a string is no offence.
 */

/** One broken rule: where, and what the rule wants. */
export interface Offence {
  readonly file: string
  readonly line: number
  readonly rule: Rule
  readonly message: string
}

export type Rule =
  | 'folder'
  | 'layer'
  | 'node'
  | 'package'
  | 'unresolved'
  | 'outside'
  | 'index'
  | 'dynamic'
  | 'cycle'
  | 'star'
  | 'default'
  | 'global'
  | 'length'

/** What one folder of `src/` may do. */
interface FolderRules {
  /** Folders (or top-level files without their extension) it may import; a name with a slash is one single file. */
  readonly src: readonly string[] | 'any'
  /** Builtins it may import, each with the files that may; `*` is every file of the folder. */
  readonly node: Readonly<Record<string, '*' | readonly string[] | 'one file'>> | 'any'
  /** Packages it may import (optional peers only), each with the path prefix that may. */
  readonly packages?: Readonly<Record<string, string>>
  /** No clock, randomness, timers, promises, environment or console: those are arguments. */
  readonly isPure?: boolean
}

const CORE = ['errors', 'ground', 'frames', 'handshake', 'extensions', 'protocol']
const EVENTS_AND_STREAMS = { events: '*', stream: '*' } as const

/** Folder by folder, lowest first. The table in `docs/architecture.md` says the same in words. */
export const FOLDERS: Readonly<Record<string, FolderRules>> = {
  errors: { src: [], node: {}, isPure: true },
  ground: {
    src: ['errors'],
    node: {
      async_hooks: ['ground/application.ts'],
      events: ['ground/application.ts'],
      util: ['ground/application.ts'],
      timers: ['ground/scheduling.ts'],
    },
  },
  frames: { src: ['errors'], node: { buffer: ['frames/bytes.ts'] }, isPure: true },
  handshake: { src: ['errors', 'ground/option-names.ts'], node: { crypto: ['handshake/key.ts'] }, isPure: true },
  extensions: {
    src: ['errors', 'ground/application.ts', 'ground/option-names.ts', 'ground/queue.ts', 'frames', 'handshake'],
    node: { zlib: 'one file' },
    isPure: true,
  },
  protocol: {
    src: [
      'errors',
      'ground/application.ts',
      'ground/option-names.ts',
      'ground/queue.ts',
      'frames',
      'extensions/extension.ts',
    ],
    node: {},
    isPure: true,
  },
  socket: {
    src: CORE,
    node: {
      ...EVENTS_AND_STREAMS,
      diagnostics_channel: ['socket/diagnostics.ts'],
      net: ['socket/client-options.ts'],
      tls: ['socket/client-options.ts'],
    },
  },
  server: {
    src: [...CORE, 'socket'],
    node: {
      ...EVENTS_AND_STREAMS,
      net: '*',
      tls: '*',
      http: '*',
      https: '*',
      os: ['server/memory-budget.ts'],
    },
  },
  client: {
    src: [...CORE, 'socket'],
    node: { ...EVENTS_AND_STREAMS, net: '*', tls: '*', crypto: ['client/masking-keys.ts'] },
  },
  pubsub: {
    src: ['errors', 'frames'],
    node: {},
    packages: { redis: 'pubsub/redis', '@nats-io/transport-node': 'pubsub/nats' },
  },
  inspector: {
    src: [
      'errors',
      'frames',
      'handshake',
      'ground',
      'extensions/permessage-deflate/parameters.ts',
      'extensions/permessage-deflate/inflate-message.ts',
      'socket',
      'server',
    ],
    node: { events: '*', fs: '*', http: '*', crypto: '*', net: '*', tls: '*', stream: '*' },
  },
  compat: { src: [...CORE, 'socket', 'server', 'client', 'pubsub', 'inspector'], node: { stream: '*' } },
  testing: { src: [...CORE, 'socket', 'client'], node: { ...EVENTS_AND_STREAMS, net: '*' } },
  cli: { src: 'any', node: 'any' },
  index: { src: 'any', node: {} },
}

/** What `annotate` of the inspector may not import, though the rest of its folder may. */
const OUTSIDE_BROWSERS: readonly string[] = ['ground', 'socket', 'server']

const MAX_LINES = 400

/** Globals that bring in time, chance, scheduling or the process. Naming one at all is the offence. */
const IMPURE_GLOBALS = new Set([
  'EventEmitter',
  'EventTarget',
  'Promise',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'console',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
])

interface ImportLine {
  readonly specifier: string
  readonly line: number
  readonly isDynamic: boolean
  /** Whether what is imported is known only when it runs. */
  readonly isComputed: boolean
}

/** What the checker needs to know of one file. */
interface Facts {
  readonly imports: readonly ImportLine[]
  readonly stars: readonly number[]
  readonly defaults: readonly number[]
  readonly impure: ReadonlyArray<{ readonly name: string; readonly line: number }>
  readonly lines: number
}

/**
 * Hold every file against the table.
 *
 * @param files Path relative to `src/`, with forward slashes, to source text.
 * @returns The offences, in file order; empty when the house stands.
 */
export function checkArchitecture(files: ReadonlyMap<string, string>): Offence[] {
  const offences: Offence[] = []
  const edges = new Map<string, Array<{ to: string; line: number }>>()
  const claimed = new Map<string, string>()

  for (const [file, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const facts = readFacts(file, source)
    const folder = folderOf(file)
    const rules = FOLDERS[folder]
    const report = (line: number, rule: Rule, message: string) => offences.push({ file, line, rule, message })

    if (facts.lines > MAX_LINES) report(MAX_LINES + 1, 'length', `has ${facts.lines} lines; the limit is ${MAX_LINES}`)
    for (const line of facts.stars) report(line, 'star', 'uses export *; public names are listed one by one')
    if (folder !== 'compat') {
      for (const line of facts.defaults) report(line, 'default', 'has a default export; exports have names')
    }
    if (rules === undefined) {
      report(1, 'folder', `lies in ${folder}, which the table does not know`)
      continue
    }
    if (rules.isPure === true || isAnnotate(file)) {
      for (const { name, line } of facts.impure) report(line, 'global', `uses ${name}; the core gets it as an argument`)
    }

    const targets: Array<{ to: string; line: number }> = []
    edges.set(file, targets)
    for (const { specifier, line, isDynamic, isComputed } of facts.imports) {
      if (isDynamic && folder !== 'cli') report(line, 'dynamic', `imports '${specifier}' dynamically`)
      if (specifier.startsWith('.')) {
        const to = posix.normalize(posix.join(posix.dirname(file), specifier))
        if (to.startsWith('../')) {
          report(line, 'outside', `imports '${specifier}', outside src/`)
        } else if (!files.has(to)) {
          report(line, 'unresolved', `imports '${specifier}', which is no file of src/`)
        } else {
          targets.push({ to, line })
          checkLayer(file, folder, rules, to, line, report)
        }
      } else if (specifier.startsWith('node:')) {
        checkBuiltin(file, folder, rules, specifier.slice('node:'.length), claimed, line, report)
      } else if (!(isDynamic && isComputed && folder === 'cli')) {
        // A module that the user names is nobody's dependency.
        checkPackage(file, rules, specifier, line, report)
      }
    }
  }

  for (const cycle of findCycles(edges)) {
    const first = cycle[0]!
    const line = edges.get(first)?.find(({ to }) => cycle.includes(to))?.line ?? 1
    const path = [...cycle, first].join(' -> ')
    offences.push({ file: first, line, rule: 'cycle', message: `is part of a cycle: ${path}` })
  }
  return offences
}

/** One line per offence, as an editor can jump to it. */
export function formatOffences(offences: readonly Offence[]): string[] {
  return offences.map(({ file, line, rule, message }) => `src/${file}:${line} [${rule}] ${message}`)
}

type Report = (line: number, rule: Rule, message: string) => void

function checkLayer(file: string, folder: string, rules: FolderRules, to: string, line: number, report: Report): void {
  const isEntry = posix.basename(to) === 'index.ts'
  const mayUseEntries = folder === 'cli' || posix.basename(file) === 'index.ts'
  if (isEntry && !mayUseEntries)
    report(line, 'index', `imports ${to}; inside src/ the file that has the name is imported`)
  const target = folderOf(to)
  if (rules.src === 'any' || target === folder) return
  if (isAnnotate(file) && OUTSIDE_BROWSERS.includes(target)) {
    report(line, 'layer', `imports ${to}; annotate runs in browsers`)
    return
  }
  if (rules.src.includes(target) || rules.src.includes(to)) return
  report(line, 'layer', `imports ${to}; ${folder} may import ${rules.src.join(', ') || 'nothing'}`)
}

function checkBuiltin(
  file: string,
  folder: string,
  rules: FolderRules,
  builtin: string,
  claimed: Map<string, string>,
  line: number,
  report: Report,
): void {
  if (isAnnotate(file)) {
    report(line, 'node', `imports node:${builtin}; annotate runs in browsers`)
    return
  }
  if (rules.node === 'any') return
  // `stream/web` and `timers/promises` are granted with their parent.
  const family = builtin.split('/')[0]!
  const grant = rules.node[family]
  if (grant === '*') return
  if (Array.isArray(grant) && grant.includes(file)) return
  if (grant === 'one file') {
    const owner = claimed.get(`${folder} ${family}`) ?? file
    claimed.set(`${folder} ${family}`, owner)
    if (owner !== file) report(line, 'node', `imports node:${builtin}; ${owner} is the one file of ${folder}/ that may`)
    return
  }
  const allowed = Object.entries(rules.node).map(([name, where]) =>
    Array.isArray(where) ? `${name} in ${where}` : name,
  )
  report(line, 'node', `imports node:${builtin}; ${folder} may import ${allowed.join(', ') || 'no builtin'}`)
}

function checkPackage(file: string, rules: FolderRules, specifier: string, line: number, report: Report): void {
  const place = rules.packages?.[specifier]
  if (place !== undefined && file.startsWith(place)) return
  report(line, 'package', `imports '${specifier}'; src/ has no dependencies, and builtins are written with node:`)
}

function folderOf(file: string): string {
  const slash = file.indexOf('/')
  return slash < 0 ? file.replace(/\.ts$/, '') : file.slice(0, slash)
}

function isAnnotate(file: string): boolean {
  return file.startsWith('inspector/annotate')
}

function readFacts(file: string, source: string): Facts {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
  const imports: ImportLine[] = []
  const stars: number[] = []
  const defaults: number[] = []
  const impure: Array<{ name: string; line: number }> = []
  const lineOf = (node: ts.Node) => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
  const addImport = (specifier: ts.Node | undefined, isDynamic: boolean) => {
    if (specifier === undefined) return
    const text = ts.isStringLiteralLike(specifier) ? specifier.text : specifier.getText(tree)
    imports.push({
      specifier: text,
      line: lineOf(specifier),
      isDynamic,
      isComputed: !ts.isStringLiteralLike(specifier),
    })
  }

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) addImport(node.moduleSpecifier, false)
    if (ts.isImportTypeNode(node)) addImport(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node, false)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      addImport(node.arguments[0], true)
    }
    if (ts.isExportDeclaration(node)) {
      addImport(node.moduleSpecifier, false)
      if (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)) stars.push(lineOf(node))
    }
    if (isDefaultExport(node)) defaults.push(lineOf(node))
    const name = impureName(node)
    if (name !== undefined) impure.push({ name, line: lineOf(node) })
    ts.forEachChild(node, visit)
  }
  visit(tree)
  const lines = source.length === 0 ? 0 : source.replace(/\n$/, '').split('\n').length
  return { imports, stars, defaults, impure, lines }
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === 'default'
  if (!ts.canHaveModifiers(node)) return false
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false
}

function impureName(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async'
  if (ts.isAwaitExpression(node)) return 'await'
  if (ts.isPropertyAccessExpression(node)) {
    const path = `${node.expression.getText()}.${node.name.text}`
    if (path === 'Math.random' || path === 'Date.now') return path
    if (path.startsWith('globalThis.') && IMPURE_GLOBALS.has(node.name.text)) return path
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date') return 'new Date'
  if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && !isMemberName(node)) return node.text
  return undefined
}

/** `x.process`, `{ process: 1 }` and `process(): void {}` in a class name a member, not the global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent)
  return isMember && parent.name === node
}

/** Strongly connected components of more than one file, and files that import themselves (Tarjan). */
function findCycles(edges: ReadonlyMap<string, ReadonlyArray<{ to: string }>>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []

  const visit = (file: string): void => {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    stack.push(file)
    for (const { to } of edges.get(file) ?? []) {
      if (!order.has(to)) {
        visit(to)
        low.set(file, Math.min(low.get(file)!, low.get(to)!))
      } else if (stack.includes(to)) {
        low.set(file, Math.min(low.get(file)!, order.get(to)!))
      }
    }
    if (low.get(file) !== order.get(file)) return
    const component = stack.splice(stack.indexOf(file))
    const importsItself = edges.get(file)?.some(({ to }) => to === file) ?? false
    if (component.length > 1 || importsItself) cycles.push(component)
  }
  for (const file of edges.keys()) {
    if (!order.has(file)) visit(file)
  }
  return cycles
}
