import { type Duplex, Readable } from 'node:stream'
import type { ResponseHead } from '../handshake/head.ts'
import type { OpeningResponse } from '../socket/client-options.ts'
import { bodyDecoderOf } from './body-decoder.ts'

/** A response with its body as a stream. After a 101 there is none: the stream is at its end. */
export class ServerResponse extends Readable implements OpeningResponse {
  readonly statusCode: number
  readonly statusMessage: string
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawHeaders: readonly string[]
  readonly socket: Duplex

  constructor(head: ResponseHead, socket: Duplex) {
    super()
    this.statusCode = head.status
    this.statusMessage = head.reason
    this.httpVersion = head.httpVersion
    this.headers = toHeaders(head)
    this.rawHeaders = [...head.fields].flat()
    this.socket = socket
    if (head.status === 101) this.push(null)
  }

  /** Reads the body from the socket. @param rest - what came behind the head */
  readBody(head: ResponseHead, rest: Uint8Array): void {
    const decode = bodyDecoderOf(head)
    const take = (chunk: Uint8Array): void => {
      const { parts, isEnd } = decode(chunk)
      let hasRoom = true
      for (const part of parts) hasRoom = this.push(part)
      if (isEnd) {
        this.push(null)
        this.socket.destroy()
      } else if (!hasRoom) this.socket.pause()
    }
    this.socket.on('data', take)
    this.socket.once('close', () => {
      if (!this.readableEnded) this.push(null)
    })
    take(rest)
  }

  override _read(): void {
    if (!this.socket.destroyed && this.statusCode !== 101) this.socket.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.statusCode !== 101) this.socket.destroy()
    callback(error)
  }
}

function toHeaders(head: ResponseHead): Record<string, string | string[] | undefined> {
  const headers: Record<string, string | string[] | undefined> = Object.create(null)
  for (const [name] of head.fields) {
    const key = name.toLowerCase()
    if (!(key in headers)) headers[key] = key === 'set-cookie' ? head.fields.getAll(key) : head.fields.get(key)
  }
  return headers
}
