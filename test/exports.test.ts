import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/**
 * The public names, entry point by entry point. A name that appears or disappears is a change for users: the table changes with
 * it, and so does CHANGELOG.md. Names that exist only for the type checker are written with `type` in front.
 */
const PUBLIC_NAMES: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'Acceptance',
    'type Admission',
    'type AnyRequest',
    'type Authorize',
    'type AuthorizeContext',
    'type Backpressure',
    'type BinaryType',
    'type ClientOptions',
    'type Clock',
    'CloseCause',
    'CloseCode',
    'type CloseInfo',
    'type CompressRule',
    'type ConnectTarget',
    'type ConnectionChoices',
    'ConnectionClosedError',
    'type ConnectionErrorMessage',
    'type ConnectionObserver',
    'type ConnectionTap',
    'type ControlPayload',
    'type DeflateMemory',
    'HandshakeError',
    'type HeartbeatOptions',
    'type MessageData',
    'MessageStream',
    'type ObservedConnection',
    'Opcode',
    'type OpeningRequest',
    'type OpeningResponse',
    'type PerMessageDeflateOptions',
    'type PrepareOptions',
    'PreparedMessage',
    'ProtocolError',
    'type RateLimitOptions',
    'type RateOptions',
    'type ReceiveOptions',
    'type ReceivedMessage',
    'Rejection',
    'type RequestFields',
    'type SendCallback',
    'type SendOptions',
    'type SendStreamOptions',
    'type Sendable',
    'type ServerStats',
    'type ShutdownOptions',
    'type ShutdownReport',
    'SlowConsumerAction',
    'type SlowConsumerPolicy',
    'type SocketCloseEvent',
    'type SocketErrorEvent',
    'type SocketEvent',
    'type SocketEventHandler',
    'type SocketEventListener',
    'type SocketEventMap',
    'type SocketListenerOptions',
    'type SocketMessageEvent',
    'type SocketOptions',
    'type StreamSource',
    'type TrustProxyOptions',
    'type UpgradeRequest',
    'UsageError',
    'type VerifyClient',
    'type VerifyClientCallback',
    'type VerifyClientInfo',
    'type WaitOptions',
    'WebSocket',
    'type WebSocketClass',
    'WebSocketError',
    'type WebSocketEvents',
    'WebSocketServer',
    'type WebSocketServerEvents',
    'type WebSocketServerOptions',
    'accept',
    'deflateMemory',
    'createWebSocketStream',
    'prepareMessage',
    'reject',
  ],
  './frames': [
    'type FoundViolation',
    'type Frame',
    'type FrameInit',
    'FrameParser',
    'type FrameParserOptions',
    'type FrameSink',
    'type HeaderContext',
    'Opcode',
    'type ParsedFrames',
    'type Role',
    'StatusCode',
    'Utf8Validator',
    'type Violation',
    'applyMask',
    'checkClosePayload',
    'checkHeader',
    'isControl',
    'isReserved',
    'isValidOnWire',
    'opcodeName',
    'parseFrames',
    'readReason',
    'readStatusCode',
    'serializeClosePayload',
    'serializeFrame',
    'statusCodeLabel',
    'violations',
  ],
  './inspector': [
    'type AcceptSteps',
    'type AnnotateContext',
    'type Annotation',
    'Annotator',
    'type ConnectionSummary',
    'type Conversation',
    'type Direction',
    'type Duty',
    'type Entry',
    'type FeedCommand',
    'type FeedMessage',
    'type FrameUnit',
    'type Gathered',
    'type HeadField',
    'type HeadUnit',
    'type InflateContext',
    'type Inflated',
    'type InspectOptions',
    'type Inspectable',
    'type Inspector',
    'type LabExercise',
    'type Level',
    'type Mend',
    'type Message',
    'type NoiseKind',
    'type NoiseUnit',
    'type RecordedConnection',
    'type Recorder',
    'type RecorderOptions',
    'type Requirement',
    'type Session',
    'type SessionEvent',
    'type SessionHeader',
    'type ShownBytes',
    'type Span',
    'type Stop',
    'type Unit',
    'type Verdict',
    'annotate',
    'annotateBoth',
    'annotateSession',
    'base64',
    'frameTitle',
    'hex',
    'hexByte',
    'inflate',
    'inspect',
    'meaning',
    'offset',
    'parseSession',
    'prose',
    'requestOf',
    'requirementOf',
    'sectionLabel',
    'sectionLink',
    'serializeSession',
    'sessionBytes',
    'sessionHeaderLine',
    'sessionLine',
    'sha1',
  ],
  './testing': [
    'type ConnectedPair',
    'type PairOptions',
    'ScriptedPeer',
    'type SocketTaker',
    'TestClock',
    'connectTo',
    'connectedPair',
    'scriptedPeer',
  ],
  './ws': [
    'PerMessageDeflate',
    'Receiver',
    'Sender',
    'Server',
    'WebSocket',
    'WebSocketServer',
    'createWebSocketStream',
    'default',
    'extension',
    'module.exports',
    'subprotocol',
  ],
  './handshake': [
    'DEFAULT_HEAD_LIMITS',
    'type ExtensionAgreement',
    'type ExtensionNegotiator',
    'type ExtensionOffer',
    'type ExtensionParam',
    'type ExtensionProposer',
    'FieldList',
    'type HeadLimits',
    'type IncomingRequest',
    'type NegotiatedExtension',
    'type RequestHead',
    'RequestHeadReader',
    'type ResponseHead',
    'ResponseHeadReader',
    'RsvBits',
    'type UpgradeChoices',
    'type UpgradeOptions',
    'type UpgradePlan',
    'type UpgradeRequest',
    'type UpgradeRequestOptions',
    'type UpgradeResult',
    'acceptKey',
    'acceptUpgrade',
    'chooseSubprotocol',
    'confirmUpgrade',
    'formatExtensions',
    'generateKey',
    'isKey',
    'negotiateExtensions',
    'parseExtensions',
    'parseRequestHead',
    'parseResponseHead',
    'parseSubprotocols',
    'rejectUpgrade',
    'requestHeadFrom',
    'requestUpgrade',
    'serializeRequestHead',
    'serializeResponse',
    'serializeResponseHead',
    'validateUpgrade',
  ],
  './protocol': [
    'Connection',
    'type ConnectionListener',
    'type ConnectionOptions',
    'type MessageSink',
    'type PrepareOptions',
    'PreparedMessage',
    'prepareMessage',
    'type ProtocolLimits',
    'ReadyState',
    'SlabPool',
    'TransportIntent',
    'defaultLimits',
  ],
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

const root = new URL('../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest
const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  // Plain strings are files handed out as they are, such as package.json itself.
  typeof target === 'string' ? [] : [{ entry, ...target }],
)

/** `./dist/frames/index.js` is built from `src/frames/index.ts`. */
function sourceOf(built: string): URL {
  return new URL(built.replace(/^\.\/dist\//, 'src/').replace(/(\.d)?\.[jt]s$/, '.ts'), root)
}

/** The names a file exports, read from its syntax: what exists only as a type leaves no trace at run time. */
function exportedNames(source: string): string[] {
  const names: string[] = []
  for (const statement of ts.createSourceFile('entry.ts', source, ts.ScriptTarget.ES2022, true).statements) {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, isTypeOnly } = statement
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) throw new Error('export * hides its names')
      for (const element of exportClause.elements) {
        names.push(isTypeOnly || element.isTypeOnly ? `type ${element.name.text}` : element.name.text)
      }
    } else if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExportKeyword)) {
      names.push(...declaredNames(statement))
    }
  }
  return names.sort(byName)
}

function isExportKeyword({ kind }: ts.Modifier): boolean {
  return kind === ts.SyntaxKind.ExportKeyword
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
    return [`type ${statement.name.text}`]
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText())
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return [statement.name?.text ?? 'default']
  throw new Error(`cannot read the name of: ${statement.getText()}`)
}

function byName(a: string, b: string): number {
  const [x, y] = [a.replace(/^type /, ''), b.replace(/^type /, '')]
  return x === y ? a.length - b.length : x < y ? -1 : 1
}

describe('package.json exports', () => {
  it('has a list of public names for every entry point, and no list without one', () => {
    expect(Object.keys(PUBLIC_NAMES).sort()).toEqual(entries.map(({ entry }) => entry).sort())
  })

  it.each(entries)('$entry resolves types and code to one and the same source file', (target) => {
    expect(sourceOf(target.types).href).toBe(sourceOf(target.default).href)
    // Bundlers for browsers get the part that needs no Node.
    expect(Object.keys(target).filter((condition) => condition !== 'browser')).toEqual(['entry', 'types', 'default'])
    expect(existsSync(sourceOf(target.default)), `${sourceOf(target.default).pathname} exists`).toBe(true)
  })

  it.each(entries)('$entry exports exactly the pinned names', ({ entry, default: built }) => {
    const names = exportedNames(readFileSync(sourceOf(built), 'utf8'))
    expect(names).toEqual([...(PUBLIC_NAMES[entry] ?? [])].sort(byName))
  })

  it.each(entries)('$entry has at run time exactly the names that are not types', async ({ entry, default: built }) => {
    const namespace = (await import(sourceOf(built).href)) as object
    const values = (PUBLIC_NAMES[entry] ?? []).filter((name) => !name.startsWith('type '))
    expect(Object.keys(namespace).sort()).toEqual([...values].sort())
  })
})

describe('exportedNames', () => {
  it('reads every way of exporting a name', () => {
    const source = `
      export { a, type B, c as d } from './x.ts'
      export type { E } from './y.ts'
      export const f = 1, g = 2
      export function h(): void {}
      export class I {}
      export interface J {}
      export type K = string
      const hidden = 1`
    expect(exportedNames(source)).toEqual(
      ['I', 'a', 'd', 'f', 'g', 'h'].concat(['type B', 'type E', 'type J', 'type K']).sort(byName),
    )
  })

  it('refuses export *, which pins nothing', () => {
    expect(() => exportedNames("export * from './x.ts'")).toThrow('hides its names')
  })
})
