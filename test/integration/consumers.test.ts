import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT, run } from '../support/child.ts'
import { describeWith, PACKAGES } from '../support/programs.ts'

/*
 * Packages that were written for `ws`, each with a real client doing real work, and with `ws` replaced by `framewright/ws`:
 * package.json beside this file maps the name to `ws-shim/`. Install them with `npm ci --prefix test/integration`.
 */
const FOLDER = join(ROOT, 'test/integration')

const CONSUMERS: ReadonlyArray<{ program: string; packages: readonly string[]; does: string }> = [
  {
    program: 'socket.io',
    packages: ['socket.io', 'engine.io', 'socket.io-client'],
    does: 'acknowledges, broadcasts a frame made once, reconnects',
  },
  { program: 'graphql-ws', packages: ['graphql-ws'], does: 'queries, subscribes, refuses' },
  { program: 'trpc', packages: ['@trpc/server', '@trpc/client'], does: 'queries, mutates, subscribes, reconnects' },
  {
    program: 'fastify-websocket',
    packages: ['@fastify/websocket', 'fastify'],
    does: 'routes, refuses by a hook, broadcasts, connects without a port, closes',
  },
  { program: 'express-ws', packages: ['express-ws', 'express'], does: 'routes, broadcasts, shares a server' },
  { program: 'hono', packages: ['@hono/node-server', 'hono'], does: 'upgrades beside plain routes' },
  { program: 'crossws', packages: ['crossws'], does: 'publishes to peers' },
  {
    program: 'y-websocket',
    packages: ['y-websocket', 'y-protocols'],
    does: 'lets documents converge, reconnects',
  },
]

function versionOf(name: string): string {
  const manifest = readFileSync(join(PACKAGES, name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

describeWith('test/integration', 'framewright/ws in place of ws', () => {
  const rows: string[] = []

  beforeAll(() => {
    // A build of its own: dist/ belongs to whoever builds the package.
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const args = [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(FOLDER, 'dist')]
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ status: 0 })
  }, 600_000)

  afterAll(() => {
    console.log(['| consumer | what ran | result |', '|---|---|---|', ...rows].join('\n'))
  })

  it.each(CONSUMERS)(
    '$program $does',
    async ({ program, packages }) => {
      const { code, stdout, stderr } = await run(process.execPath, [join(FOLDER, 'consumers', `${program}.mjs`)], {
        ms: 60_000,
      })
      const done = [...stdout.matchAll(/^ok (.*)$/gm)].map(([, what]) => what)
      const versions = packages.map((name) => `${name} ${versionOf(name)}`).join(', ')
      rows.push(`| ${versions} | ${done.join('; ')} | ${code === 0 ? 'ok' : 'failed'} |`)
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: '' })
      expect(done.length).toBeGreaterThanOrEqual(4)
    },
    90_000,
  )
})
