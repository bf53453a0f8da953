/*
 * The performance gate: fails when reading or answering frames became much slower.
 *
 *   node bench/gate.mjs [--src FOLDER]
 *
 * Machines differ, so nothing is compared with a time. What a frame costs here is divided by what a hand-written loop
 * that checks nothing needs for the same frames in the same run, and that ratio has a limit. Both are the best of many
 * short rounds that take turns; a ratio above its limit is measured again before it counts. It needs no peers.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { loadCorpus } from './corpus/load.mjs'

/** Cost of ours divided by that of the loop: about twice what was measured when the limit was set. */
const LIMITS = {
  'read 16 B': 6.5,
  'read 125 B': 2.8,
  'read 1 KiB': 0.7,
  'read 16 KiB': 0.35,
  'echo 16 B': 24,
  'echo 125 B': 6.5,
}

const ROUNDS = 40
const ATTEMPTS = 4

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { src: { type: 'string', default: join(root, 'src') } } })
const build = mkdtempSync(join(tmpdir(), 'framewright-gate-'))

try {
  compile(resolve(values.src))
  process.exitCode = (await judge()) ? 0 : 1
} finally {
  rmSync(build, { recursive: true, force: true })
}

function compile(src) {
  const options = {
    noEmit: false,
    noCheck: true,
    rootDir: src,
    outDir: build,
    // Sources outside the project have no package.json that says what kind of modules they are.
    module: 'esnext',
    moduleResolution: 'bundler',
    typeRoots: [join(root, 'node_modules/@types')],
  }
  mkdirSync(build, { recursive: true })
  writeFileSync(join(build, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(build, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, include: [src] }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', build], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the sources do not compile')
}

async function judge() {
  const load = (path) => import(pathToFileURL(join(build, path)).href)
  const { FrameParser } = await load('frames/parser.js')
  const { Connection } = await load('protocol/connection.js')
  const streams = new Map(loadCorpus().map((stream) => [stream.name, stream]))
  let passed = true
  for (const [name, limit] of Object.entries(LIMITS)) {
    const [kind, ...length] = name.split(' ')
    const stream = streams.get(length.join(' '))
    const ours = kind === 'read' ? reading(FrameParser) : echoing(Connection)
    let ratio = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < ATTEMPTS && ratio > limit; attempt++) ratio = Math.min(ratio, compare(stream, ours))
    const verdict = ratio <= limit ? 'ok' : 'TOO SLOW'
    console.log(`${name.padEnd(12)} ${ratio.toFixed(2).padStart(6)} times the loop, limit ${limit}: ${verdict}`)
    passed &&= ratio <= limit
  }
  return passed
}

/** @returns what ours costs divided by what the loop costs */
function compare(stream, ours) {
  const chunk = new Uint8Array(stream.bytes.length)
  const passes = Math.max(1, Math.round(400_000 / stream.bytes.length))
  let best = Number.POSITIVE_INFINITY
  let bestLoop = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    best = Math.min(best, time(ours))
    bestLoop = Math.min(bestLoop, time(loop))
  }
  return best / bestLoop

  function time(read) {
    let messages = 0
    const { user, system } = process.cpuUsage()
    for (let i = 0; i < passes; i++) {
      chunk.set(stream.bytes)
      messages += read(chunk)
    }
    const spent = process.cpuUsage({ user, system })
    if (messages !== passes * stream.messages) throw new Error(`read ${messages} messages, not ${stream.messages}`)
    return spent.user + spent.system
  }
}

function reading(FrameParser) {
  let messages = 0
  const sink = {
    dataFrame: () => {
      messages++
    },
    violation: refuse,
  }
  const parser = new FrameParser(sink, { role: 'server' })
  return (chunk) => {
    messages = 0
    parser.parse(chunk)
    return messages
  }
}

function echoing(Connection) {
  let messages = 0
  const listener = {
    messageStart: () => null,
    message: (isBinary, bytes, start, end) => {
      messages++
      connection.sendMessage(bytes.subarray(start, end), isBinary)
    },
    failed: refuse,
  }
  const connection = new Connection(listener, { role: 'server', maxFramesPerTurn: Number.POSITIVE_INFINITY })
  return (chunk) => {
    messages = 0
    connection.receive(chunk)
    connection.takeOutput()
    connection.outputWritten(true)
    return messages
  }
}

function refuse({ message }) {
  throw new Error(message)
}

/** Finds each frame and unmasks it byte by byte, four at a time; checks nothing. */
function loop(chunk) {
  let messages = 0
  for (let at = 0; at < chunk.length; ) {
    let length = chunk[at + 1] & 0x7f
    at += 2
    if (length === 126) {
      length = (chunk[at] << 8) | chunk[at + 1]
      at += 2
    }
    const k0 = chunk[at]
    const k1 = chunk[at + 1]
    const k2 = chunk[at + 2]
    const k3 = chunk[at + 3]
    at += 4
    const end = at + length
    for (; at < end - 3; at += 4) {
      chunk[at] ^= k0
      chunk[at + 1] ^= k1
      chunk[at + 2] ^= k2
      chunk[at + 3] ^= k3
    }
    if (at < end) chunk[at++] ^= k0
    if (at < end) chunk[at++] ^= k1
    if (at < end) chunk[at++] ^= k2
    messages++
  }
  return messages
}
