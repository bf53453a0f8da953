import { HandshakeError, quote } from '../errors.ts'
import { isAuthority } from './authority.ts'
import { isAll, OctetClass } from './octets.ts'

/** What a request-target asks for. */
export interface RequestTarget {
  /** Authority of the absolute form, `undefined` in the origin form. */
  readonly authority: string | undefined
  /** RFC 6455 §3: path and query, nothing decoded or normalised; begins with `/`. */
  readonly resourceName: string
  /** The resource name without its query. */
  readonly path: string
}

/**
 * Takes a request-target apart. RFC 9112 §3.2.
 *
 *     origin-form   = absolute-path [ "?" query ]
 *     absolute-form = absolute-URI
 *
 * @throws HandshakeError 400 for any other form, for a scheme other than http and https, and for a character that is not
 *   visible ASCII or is `#`.
 */
export function parseTarget(target: string): RequestTarget {
  // @req 6455-4.2.1-4
  if (!isAll(target, OctetClass.Target)) throw invalidTarget(target)
  if (target.startsWith('/')) return { authority: undefined, resourceName: target, path: withoutQuery(target) }
  const authorityStart = schemeEnd(target)
  if (authorityStart < 0) throw invalidTarget(target)
  let authorityEnd = authorityStart
  while (authorityEnd < target.length && target[authorityEnd] !== '/' && target[authorityEnd] !== '?') authorityEnd++
  const authority = target.slice(authorityStart, authorityEnd)
  if (!isAuthority(authority)) throw invalidTarget(target)
  const rest = target.slice(authorityEnd)
  const resourceName = rest.startsWith('/') ? rest : `/${rest}`
  return { authority, resourceName, path: withoutQuery(resourceName) }
}

/** Offset of the authority of an absolute http or https URI; -1 when it is none. */
function schemeEnd(target: string): number {
  const scheme = target.slice(0, 8).toLowerCase()
  if (scheme.startsWith('http://')) return 7
  return scheme === 'https://' ? 8 : -1
}

function withoutQuery(resourceName: string): string {
  const query = resourceName.indexOf('?')
  return query < 0 ? resourceName : resourceName.slice(0, query)
}

function invalidTarget(target: string): HandshakeError {
  return new HandshakeError(
    '6455-4.2.1-4',
    400,
    `the request-target is ${quote(target)}; it is a path or an absolute http(s) URI, without a fragment`,
  )
}
