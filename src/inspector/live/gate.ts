import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { UsageError } from '../../errors.ts'

/** Names by which this machine calls itself, and nobody else does. */
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]']

/** A refusal, as an HTTP response. */
export interface Refused {
  readonly status: number
  readonly reason: string
}

/** Decides who may look: somebody with the token, from a page of the inspector or none, who calls it by a loopback name. */
export class Gate {
  readonly #token: Buffer
  #hosts: readonly string[] = []

  /** @throws UsageError when the token is short or has other characters than a URL may have */
  constructor(token: string) {
    if (typeof token !== 'string' || !/^[\w-]{16,}$/.test(token)) {
      throw new UsageError('option token: at least 16 of the characters A-Z a-z 0-9 - _')
    }
    this.#token = digest(token)
  }

  /** Says where it listens. */
  listensOn(port: number): void {
    this.#hosts = LOOPBACK_NAMES.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))
  }

  /** The origins of the inspector's own pages. */
  get origins(): readonly string[] {
    return this.#hosts.map((host) => `http://${host}`)
  }

  /** Hosts as they stand in URLs. */
  get hosts(): readonly string[] {
    return this.#hosts
  }

  /** @param needsToken - whether there is anything to see; @returns null: let in */
  check(request: IncomingMessage, url: URL, needsToken: boolean): Refused | null {
    const { host, origin } = request.headers
    // A page of another name that resolves to this address (DNS rebinding) sends that name.
    if (host === undefined || !this.#hosts.includes(host.toLowerCase())) {
      return { status: 403, reason: 'the inspector is called by a loopback name only' }
    }
    if (origin !== undefined && !this.origins.includes(origin.toLowerCase())) {
      return { status: 403, reason: 'the inspector is for its own pages only' }
    }
    if (needsToken && !this.#isToken(url.searchParams.get('token') ?? '')) {
      return { status: 401, reason: 'the token is missing or wrong; it stands in the URL that was printed' }
    }
    return null
  }

  #isToken(given: string): boolean {
    // Of one length whatever was given, so that the time says nothing.
    return timingSafeEqual(digest(given), this.#token)
  }
}

/** @throws UsageError when it is no loopback address */
export function checkLoopback(host: string): string {
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (!isLoopback)
    throw new UsageError(`option host is ${JSON.stringify(host)}; the inspector listens on loopback only`)
  return host
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
