// Prints docs/ws-members.md: every name, option, event and member of ws, and what we have beside it. Read from the types:
// ours from src/, those of ws from @types/ws, which `npm ci --prefix test/integration` installs; the names that ws exports
// are read from its wrapper.mjs.
//
//   node scripts/ws-members.mjs > docs/ws-members.md
//
// Exits with 1 when one is missing without a reason below.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const theirs = `${root}test/integration/node_modules/@types/ws/index.d.ts`

/** What ws 8.23.0 has and its types do not know yet. */
const UNTYPED = {
  ServerOptions: [
    'closeTimeout',
    'autoPong',
    'allowSynchronousEvents',
    'maxPendingAutoPongs',
    'maxFragments',
    'maxBufferedChunks',
  ],
  ClientOptions: [
    'closeTimeout',
    'autoPong',
    'allowSynchronousEvents',
    'maxPendingAutoPongs',
    'maxFragments',
    'maxBufferedChunks',
    'generateMask',
    'finishRequest',
  ],
}

/** Why we do without one. */
const REASONS = {
  allowSynchronousEvents: 'several events may come in one tick, always: docs/decisions/002',
  maxPendingAutoPongs: 'a peer that does not read its pongs is not read from; no queue grows, nobody is dropped',
  maxBufferedChunks:
    'fragments are joined in one buffer, so the number of pieces costs no memory; maxPayload bounds it',
  skipUTF8Validation: 'RFC 6455 §8.1: text is always checked (6455-8.1-1)',
  protocolVersion: 'RFC 6455 knows version 13 only (6455-4.1-31)',
  agent: 'an upgraded connection is not pooled; createConnection goes through a proxy',
  protocol: 'stands in the types only; subprotocols are the second argument',
}

/** What has the same name and is not quite the same. */
const REMARKS = {
  PerMessageDeflate: '`extensionName`; the constructor throws and names the option `perMessageDeflate`',
  Receiver: 'the constructor throws and names `framewright/frames`',
  Sender: '`Sender.frame` and `sendFrame`: adapters use no more',
}

const files = [theirs, `${root}src/compat/index.ts`, `${root}src/index.ts`]
const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
const program = ts.createProgram(files, options)
const checker = program.getTypeChecker()

/** Symbols that one of our entry points exports. */
function exportsOf(file) {
  return checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(`${root}${file}`)))
}

/** Names that ws exports to `import`. */
function exportedByWs() {
  const file = `${root}node_modules/ws/wrapper.mjs`
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS)
  const lists = source.statements.filter(ts.isExportDeclaration).map(({ exportClause }) => exportClause.elements)
  return new Set(lists.flat().map(({ name }) => name.text))
}

/** Names of a type's own and inherited properties, those of EventEmitter and Object left out. */
function membersOf(file, name) {
  const symbol = exportsOf(file).find((one) => one.name === name)
  if (symbol === undefined) throw new Error(`${file} exports no ${name}`)
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return new Set(checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(real)).map((one) => one.name))
}

/** Members that a declaration of @types/ws writes down itself, and its events: the first arguments of `on`. */
function declaredByWs() {
  const source = ts.createSourceFile(theirs, readFileSync(theirs, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found = new Map()
  const add = (owner, name) => {
    if (!found.has(owner)) found.set(owner, new Set())
    found.get(owner).add(name)
  }
  const visit = (node) => {
    if ((ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) && node.name !== undefined) {
      for (const member of node.members) {
        const name = member.name !== undefined && ts.isIdentifier(member.name) ? member.name.text : undefined
        if (name === undefined) continue
        const [first] = member.parameters ?? []
        const isEmitter = ['on', 'once', 'off', 'addListener', 'removeListener'].includes(name)
        if (name === 'on' && first?.type !== undefined) collectEvents(node.name.text, first.type)
        if (!isEmitter) add(node.name.text, name)
      }
    }
    ts.forEachChild(node, visit)
  }
  const collectEvents = (owner, type) => {
    const types = ts.isUnionTypeNode(type) ? type.types : [type]
    for (const one of types) {
      if (ts.isLiteralTypeNode(one) && ts.isStringLiteral(one.literal)) add(`${owner} events`, one.literal.text)
    }
  }
  visit(source)
  return found
}

const ws = declaredByWs()
for (const [owner, names] of Object.entries(UNTYPED)) for (const name of names) ws.get(owner).add(name)

ws.set('module', exportedByWs())

const SECTIONS = [
  ['Names', 'module', new Set(exportsOf('src/compat/index.ts').map(({ name }) => name)), 'name'],
  ['Options of the server', 'ServerOptions', membersOf('src/index.ts', 'WebSocketServerOptions'), 'option'],
  ['Options of the client', 'ClientOptions', membersOf('src/index.ts', 'ClientOptions'), 'option'],
  [
    'Options of permessage-deflate',
    'PerMessageDeflateOptions',
    membersOf('src/index.ts', 'PerMessageDeflateOptions'),
    'option',
  ],
  ['Members of the server', 'Server', membersOf('src/compat/index.ts', 'WebSocketServer'), 'member'],
  ['Events of the server', 'Server events', membersOf('src/index.ts', 'WebSocketServerEvents'), 'event'],
  ['Members of a WebSocket', 'WebSocket', membersOf('src/compat/index.ts', 'WebSocket'), 'member'],
  ['Events of a WebSocket', 'WebSocket events', membersOf('src/index.ts', 'WebSocketEvents'), 'event'],
]

const lines = [
  '# The members of ws, and ours',
  '',
  'Made by `node scripts/ws-members.mjs` from the types of both; `test/compat/members.test.ts` fails when one is missing without a reason.',
]
let missing = 0
for (const [title, owner, ours, kind] of SECTIONS) {
  lines.push('', `## ${title}`, '', '| ws | ours |', '|---|---|')
  for (const name of [...(ws.get(owner) ?? [])].sort()) {
    const reason = REASONS[name]
    if (!ours.has(name) && reason === undefined) missing++
    const remark = owner === 'module' && REMARKS[name] !== undefined ? `the same ${kind}: ${REMARKS[name]}` : null
    const found = remark ?? `the same ${kind}`
    lines.push(`| \`${name}\` | ${ours.has(name) ? found : (reason ?? '**missing**')} |`)
  }
}
console.log(lines.join('\n'))
process.exitCode = missing === 0 ? 0 : 1
