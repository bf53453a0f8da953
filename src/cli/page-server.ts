import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Certificate } from './certificate.ts'

/** What the page must know of the echo server it talks to. */
export interface PageOptions {
  /** The page opens a WebSocket to this port of the host that it was loaded from. */
  readonly webSocketPort: number
  /** The echo server's certificate; with it the page is served over https, and takes wss. */
  readonly certificate: Certificate | undefined
}

const ASSETS: ReadonlyArray<{ path: string; file: string; type: string }> = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
]

const FIELDS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** An HTTP or HTTPS server, not yet listening, for the page under `page/` and the `/config.json` it reads. */
export function createPageServer({ webSocketPort, certificate }: PageOptions): Server {
  const contents = new Map<string, { type: string; body: Buffer }>()
  // The assets lie beside this file, in src/ as in dist/.
  for (const { path, file, type } of ASSETS) {
    contents.set(path, { type, body: readFileSync(new URL(`./page/${file}`, import.meta.url)) })
  }
  const config = JSON.stringify({ webSocketPort })
  contents.set('/config.json', { type: 'application/json', body: Buffer.from(config) })

  const onRequest: RequestListener = (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      answer(response, 405, 'text/plain', Buffer.from('only GET and HEAD\n'))
      return
    }
    const path = request.url?.split('?', 1)[0] ?? '/'
    const content = contents.get(path)
    if (content === undefined) answer(response, 404, 'text/plain', Buffer.from('no such page\n'))
    else answer(response, 200, content.type, content.body)
  }
  return certificate === undefined ? createServer(onRequest) : createHttpsServer(certificate, onRequest)
}

function answer(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { ...FIELDS, 'Content-Type': type, 'Content-Length': body.length })
  // Node leaves the body out of the answer to HEAD.
  response.end(body)
}
