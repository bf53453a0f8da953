import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { Child, ROOT } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { freePort } from '../support/free-port.ts'
import { describeWith, programPath } from '../support/programs.ts'

/** nginx cuts after this much silence; the heartbeat comes three times as often. */
const READ_TIMEOUT_S = 1
const HEARTBEAT_MS = 300

function replaceOne(text: string, from: string, to: string): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${from} occurs ${parts.length - 1} times in docs/nginx.md`)
  return parts.join(to)
}

/** The configuration of docs/nginx.md with our ports, certificate and timeouts. */
function configuration(folder: string, ports: { plain: number; tls: number; app: number }): string {
  const block = /```nginx\n(.*?)```/s.exec(readFileSync(`${ROOT}docs/nginx.md`, 'utf8'))![1]!
  let text = replaceOne(block, '127.0.0.1:8080', `127.0.0.1:${ports.app}`)
  text = replaceOne(text, 'listen 80;', `listen 127.0.0.1:${ports.plain};`)
  text = replaceOne(text, 'listen 443 ssl;', `listen 127.0.0.1:${ports.tls} ssl;`)
  text = replaceOne(text, '/etc/ssl/example.org.pem', join(folder, 'cert.pem'))
  text = replaceOne(text, '/etc/ssl/example.org.key', join(folder, 'key.pem'))
  text = replaceOne(text, 'proxy_read_timeout 60s', `proxy_read_timeout ${READ_TIMEOUT_S}s`)
  text = replaceOne(text, 'proxy_send_timeout 60s', `proxy_send_timeout ${READ_TIMEOUT_S}s`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/tmp;`)
    .join('\n')
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr notice;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 64; }
http { access_log off; ${temporary}\n${text} }\n`
}

describeWith('nginx', 'behind nginx as in docs/nginx.md', () => {
  const certificate = makeCertificate()
  const folder = mkdtempSync(join(tmpdir(), 'framewright-nginx-'))
  let nginx: Child
  let nginxError = ''
  let http: Server
  let mute: WebSocketServer
  let server: WebSocketServer
  let ports: { plain: number; tls: number; app: number }

  beforeAll(async () => {
    http = createServer().listen(0, '127.0.0.1')
    await within(once(http, 'listening'), 'the server')
    // Two endpoints on one http server: one with a heartbeat, one without.
    mute = new WebSocketServer({ server: http, path: '/silent', heartbeat: false })
    server = new WebSocketServer({ server: http, trustProxy: ['127.0.0.1'], heartbeat: HEARTBEAT_MS })
    server.on('connection', (ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })))
    const app = (http.address() as AddressInfo).port
    ports = { plain: await freePort(), tls: await freePort(), app }
    const config = join(folder, 'nginx.conf')
    mkdirSync(join(folder, 'tmp'))
    writeFileSync(join(folder, 'cert.pem'), certificate.cert)
    writeFileSync(join(folder, 'key.pem'), certificate.key)
    writeFileSync(config, configuration(folder, ports))
    nginx = new Child(programPath('nginx'), ['-p', folder, '-c', config, '-e', 'stderr'])
    nginx.process.stderr?.on('data', (text: string) => {
      nginxError += text
    })
    await workers(1)
  })

  afterAll(async () => {
    await Promise.all([server, mute].map((one) => one?.shutdown({ graceMs: 0 })))
    http?.close()
    nginx?.kill('SIGTERM')
    await nginx?.exit
    rmSync(folder, { recursive: true, force: true })
  })

  /** Waits until nginx has said so many times that a worker started. */
  async function workers(count: number): Promise<void> {
    const started = async (): Promise<void> => {
      while ((nginxError.match(/start worker process \d/g)?.length ?? 0) < count) {
        await once(nginx.process.stderr!, 'data')
      }
    }
    await within(started(), () => `nginx to start; it says: ${nginxError}`)
  }

  async function open(
    url: string,
    headers: Record<string, string> = {},
  ): Promise<{ client: WebSocket; side: WebSocket }> {
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const client = new WebSocket(url, { ca: certificate.cert, headers })
    await within(once(client, 'open'), `a connection to ${url}`)
    return { client, side: (await connected)[0] }
  }

  const url = (scheme: 'ws' | 'wss'): string => `${scheme}://127.0.0.1:${scheme === 'ws' ? ports.plain : ports.tls}/`

  it.each(['ws', 'wss'] as const)('carries %s: text, binary and the close code', async (scheme) => {
    const { client, side } = await open(url(scheme))
    client.send('grüße')
    expect(await within(once(client, 'message'), 'the echo')).toEqual(['grüße', false])
    client.send(new Uint8Array(200_000))
    expect((await within(once(client, 'message'), 'the echo'))[0]).toHaveLength(200_000)
    client.close(4001, 'done')
    expect(await within(client.closed, 'the end')).toMatchObject({ code: 4001, wasClean: true })
    expect(await within(side.closed, 'the end')).toMatchObject({ code: 4001, reason: 'done' })
  })

  it('passes the address of the client, and does not believe the client itself', async () => {
    // All of 127.0.0.0/8 is this machine, so that the client can have an address that is not the proxy's.
    const client = new WebSocket(url('ws'), { localAddress: '127.0.0.2', headers: { 'X-Forwarded-For': '6.6.6.6' } })
    const [side] = (await within(once(server, 'connection'), 'a connection')) as [WebSocket]
    expect(side.remoteAddress).toBe('127.0.0.2')
    client.terminate()
  })

  it('outlives proxy_read_timeout by the heartbeat, and is cut where there is none', async () => {
    const alive = await open(`${url('ws')}alive`)
    let pings = 0
    alive.client.on('ping', () => pings++)
    // nginx cuts a silent connection; meanwhile the other one has been silent as long, but for its pings. Twice.
    for (let i = 0; i < 2; i++) {
      const silent = new WebSocket(`${url('ws')}silent`)
      await within(once(silent, 'open'), 'a silent connection')
      expect(await within(silent.closed, 'nginx to cut it')).toMatchObject({ code: 1006, cause: 'transport-ended' })
    }
    expect(pings).toBeGreaterThanOrEqual(2)
    alive.client.send('still here')
    expect(await within(once(alive.client, 'message'), 'the echo')).toEqual(['still here', false])
    alive.client.terminate()
  })

  it('survives a reload: old connections go on, new ones reach the new worker', async () => {
    const before = await open(url('wss'))
    nginx.kill('SIGHUP')
    await workers(2)
    before.client.send('old')
    expect(await within(once(before.client, 'message'), 'the echo')).toEqual(['old', false])
    const after = await open(url('wss'))
    after.client.send('new')
    expect(await within(once(after.client, 'message'), 'the echo')).toEqual(['new', false])
    before.client.close(1000)
    after.client.close(1000)
    await within(Promise.all([before.client.closed, after.client.closed]), 'the ends')
  })
})
