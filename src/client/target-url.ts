import { quote, UsageError } from '../errors.ts'
import { messageOf } from '../ground/application.ts'

/** What a URL says about the connection, RFC 6455 §3. */
export interface TargetUrl {
  /** The URL in its normal form, its scheme ws, wss or ws+unix. */
  readonly href: string
  readonly secure: boolean
  /** Host for the Host field, an IPv6 address in brackets; `localhost` with a Unix domain socket. */
  readonly host: string
  readonly port: number
  /** Path of a Unix domain socket, or undefined. */
  readonly socketPath: string | undefined
  /** RFC 6455 §3: resource name, path and query. */
  readonly resourceName: string
  /** `user:password`, decoded, or undefined. */
  readonly auth: string | undefined
}

const SCHEMES: ReadonlyMap<string, { ws: string; secure: boolean; isUnix: boolean }> = new Map([
  ['ws:', { ws: 'ws:', secure: false, isUnix: false }],
  ['wss:', { ws: 'wss:', secure: true, isUnix: false }],
  ['http:', { ws: 'ws:', secure: false, isUnix: false }],
  ['https:', { ws: 'wss:', secure: true, isUnix: false }],
  ['ws+unix:', { ws: 'ws+unix:', secure: false, isUnix: true }],
  ['wss+unix:', { ws: 'wss+unix:', secure: true, isUnix: true }],
])

/**
 * Takes the URL of a WebSocket apart. `http` and `https` stand for `ws` and `wss`, as in browsers; in
 * `ws+unix:/run/app.sock:/path?query` the path of a Unix domain socket stands before the resource name.
 *
 * @param base - the URL that a relative one is resolved against
 * @throws UsageError when it is none
 */
export function parseTargetUrl(address: string | URL, base?: string): TargetUrl {
  const url = parse(address, base)
  const scheme = SCHEMES.get(url.protocol)
  // @req 6455-4.1-3 @req 6455-4.1-4
  if (scheme === undefined) throw invalid(url, 'the scheme must be ws, wss, http, https or ws+unix')
  // @req 6455-3-2
  if (url.hash !== '' || url.href.endsWith('#')) throw invalid(url, 'a WebSocket URL has no fragment')
  const { secure } = scheme
  const auth = url.username === '' && url.password === '' ? undefined : decodeUserinfo(url)
  const href = `${scheme.ws}${url.href.slice(url.protocol.length)}`
  if (scheme.isUnix) return { href, secure, host: 'localhost', auth, ...unixParts(url) }
  if (url.hostname === '') throw invalid(url, 'there is no host')
  // @req 6455-3-1
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  if (port === 0) throw invalid(url, 'no server listens on port 0')
  const resourceName = `${url.pathname}${url.search}`
  return { href, secure, host: url.hostname, port, socketPath: undefined, resourceName, auth }
}

function parse(address: string | URL, base: string | undefined): URL {
  if (address instanceof URL) return address
  try {
    return new URL(address, base)
  } catch (error) {
    throw new UsageError(`${quote(withoutPassword(String(address)))} is no URL: ${messageOf(error)}`)
  }
}

/** path ":" resource-name; the resource name may be left out. */
function unixParts(url: URL): Pick<TargetUrl, 'port' | 'socketPath' | 'resourceName'> {
  const colon = url.pathname.indexOf(':')
  const socketPath = colon < 0 ? url.pathname : url.pathname.slice(0, colon)
  if (socketPath === '') throw invalid(url, 'there is no path of a socket')
  const path = colon < 0 ? '/' : url.pathname.slice(colon + 1)
  const port = url.protocol === 'wss+unix:' ? 443 : 80
  return { port, socketPath: decodePart(url, socketPath), resourceName: `${path || '/'}${url.search}` }
}

function decodeUserinfo(url: URL): string {
  return `${decodePart(url, url.username)}:${decodePart(url, url.password)}`
}

/** RFC 3986 §2.1: a percent sign stands before two hexadecimal digits, and what they encode is UTF-8. */
function decodePart(url: URL, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid(url, 'a percent sign does not begin the encoding of a character')
  }
}

/** A URL, or what should be one, as it may stand in a message or in a log. */
export function withoutPassword(url: string): string {
  // The userinfo ends at the last @ of the authority, RFC 3986 §3.2.
  return url.replace(/^([^/?#]*\/\/[^/?#:]*):[^/?#]*@/, '$1:***@')
}

function invalid(url: URL, why: string): UsageError {
  return new UsageError(`${quote(withoutPassword(url.href))} is no WebSocket URL: ${why} (6455-3)`)
}
