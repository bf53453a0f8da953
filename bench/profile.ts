/*
 * Profiles our echo server under load and draws flame graphs:
 *
 *   node bench/run.mjs --profile FOLDER
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CpuProfile, flameGraphOf } from './support/charts.ts'
import { asciiPayload, type Load, messageFrames, runLoad, upgradeRequest } from './support/load.ts'
import { startProgram } from './support/server-process.ts'

interface Scene {
  readonly name: string
  readonly title: string
  readonly load: Pick<Load, 'mode' | 'connections' | 'inflight'>
  readonly payload: number
  readonly isText?: boolean
}

const SCENES: readonly Scene[] = [
  {
    name: 'profile-echo-125-text',
    title: 'Echo of 125 bytes of text, 64 connections, 16 messages under way on each',
    load: { mode: 'echo', connections: 64, inflight: 16 },
    payload: 125,
    isText: true,
  },
  {
    name: 'profile-echo-16-single',
    title: 'Echo of 16 bytes, 64 connections, one message under way on each',
    load: { mode: 'echo', connections: 64, inflight: 1 },
    payload: 16,
  },
  {
    name: 'profile-echo-16k',
    title: 'Echo of 16 KiB, 64 connections, 16 messages under way on each',
    load: { mode: 'echo', connections: 64, inflight: 16 },
    payload: 16_384,
  },
  {
    name: 'profile-echo-1m',
    title: 'Echo of 1 MiB, 64 connections, one message under way on each',
    load: { mode: 'echo', connections: 64, inflight: 1 },
    payload: 1 << 20,
  },
  {
    name: 'profile-connect',
    title: 'Connect, shake hands, reset',
    load: { mode: 'connect', connections: 32, inflight: 1 },
    payload: 16,
  },
]

/** Profiles each scene. @param folder - where the pictures go @param only - part of the names of the scenes wanted */
export async function profile(folder: string, only: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const scene of SCENES.filter(({ name }) => name.includes(only))) {
    const cpuProfile = await record(scene)
    writeFileSync(join(folder, `${scene.name}.svg`), flameGraphOf(scene.title, cpuProfile))
    console.log(`\n${scene.title}\n${selfTimes(cpuProfile)}`)
  }
}

async function record({ load, payload, isText = false }: Scene): Promise<CpuProfile> {
  const profiles = mkdtempSync(join(tmpdir(), 'framewright-profile-'))
  const file = fileURLToPath(new URL('./servers/echo-framewright.js', import.meta.url))
  const flags = ['--cpu-prof', '--cpu-prof-interval', '200', `--cpu-prof-dir=${profiles}`]
  {
    await using server = await startProgram([process.execPath, ...flags, file])
    await runLoad({
      ...load,
      ...messageFrames(asciiPayload(payload), isText),
      server,
      head: upgradeRequest(),
      seconds: 3,
    })
    await server.end()
  }
  const [name] = readdirSync(profiles)
  const cpuProfile = JSON.parse(readFileSync(join(profiles, name!), 'utf8')) as CpuProfile
  rmSync(profiles, { recursive: true })
  return cpuProfile
}

/** The functions that take most of the time themselves. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const times = new Map<string, number>()
  let whole = 0
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id)!.callFrame
    if (functionName === '(idle)') return
    const name = `${functionName || '(anonymous)'} ${url.split('/').at(-1)}:${lineNumber + 1}`
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i]!)
    whole += timeDeltas[i]!
  })
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 25)
    .map(([name, time]) => `${((time / whole) * 100).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n')
}
