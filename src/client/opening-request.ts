import { type FieldLines, UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { requestUpgrade, type UpgradeRequest } from '../handshake/client-handshake.ts'
import { generateKey } from '../handshake/key.ts'
import type { ExtensionProposer } from '../handshake/negotiation.ts'
import type { OpeningRequest, RequestFieldValue } from '../socket/client-options.ts'
import { checkField, type FieldPairs } from './request-fields.ts'
import type { TargetUrl } from './target-url.ts'

/** What a {@link ClientRequest} is made of. */
export interface RequestInit {
  readonly target: TargetUrl
  readonly fields: FieldPairs
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly auth: string | undefined
  readonly subprotocols: readonly string[]
  readonly extensions: readonly ExtensionProposer<Extension>[]
}

/** The request of an opening handshake until it is sent. */
export class ClientRequest implements OpeningRequest {
  readonly method = 'GET'
  readonly path: string
  readonly host: string
  readonly protocol: string
  readonly #init: RequestInit
  readonly #onEnd: () => void
  readonly #onDestroy: (error: Error | undefined) => void
  /** By name in lower case. */
  readonly #fields = new Map<string, { name: string; value: RequestFieldValue }>()
  #isEnded = false

  constructor(init: RequestInit, onEnd: () => void, onDestroy: (error: Error | undefined) => void) {
    const { target } = init
    this.path = target.resourceName
    this.host = target.host
    this.protocol = target.secure ? 'https:' : 'http:'
    this.#init = init
    this.#onEnd = onEnd
    this.#onDestroy = onDestroy
    if (init.auth !== undefined) {
      this.setHeader('Authorization', `Basic ${Buffer.from(init.auth).toString('base64')}`)
    }
    for (const [name, value] of init.fields) this.setHeader(name, value)
    if (init.host !== undefined) this.setHeader('Host', init.host)
    if (init.origin !== undefined) this.setHeader('Origin', init.origin)
  }

  getHeader(name: string): RequestFieldValue | undefined {
    return this.#fields.get(name.toLowerCase())?.value
  }

  setHeader(name: string, value: RequestFieldValue): void {
    this.#requireOpen()
    checkField(name, value)
    this.#fields.set(name.toLowerCase(), { name, value })
  }

  removeHeader(name: string): void {
    this.#requireOpen()
    this.#fields.delete(name.toLowerCase())
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#onEnd()
  }

  destroy(error?: Error): void {
    this.#isEnded = true
    this.#onDestroy(error)
  }

  abort(): void {
    this.destroy()
  }

  /**
   * The request as it goes out.
   *
   * @throws UsageError when a field cannot be sent
   */
  build(): UpgradeRequest<Extension> {
    const { target, subprotocols, extensions } = this.#init
    const lines: [string, string][] = []
    for (const [key, { name, value }] of this.#fields) {
      if (key === 'host' || key === 'origin') continue
      for (const one of typeof value === 'object' ? value : [value]) lines.push([name, String(one)])
    }
    const origin = this.getHeader('origin')
    return requestUpgrade({
      ...this.#authority(),
      secure: target.secure,
      target: target.resourceName,
      key: generateKey(),
      origin: origin === undefined ? undefined : String(origin),
      subprotocols,
      extensions,
      fields: lines satisfies FieldLines,
    })
  }

  /** Host and port for the Host field: what the application set, otherwise the URL's. */
  #authority(): { host: string; port?: number } {
    const host = this.getHeader('host')
    const { target } = this.#init
    if (host === undefined) return { host: target.host, port: target.port }
    const [, name, port] = /^(.*?)(?::(\d+))?$/s.exec(String(host))!
    return port === undefined ? { host: name! } : { host: name!, port: Number(port) }
  }

  #requireOpen(): void {
    if (this.#isEnded) throw new UsageError('the request has been sent; its fields cannot be changed')
  }
}
