/*
 * `npm run learn`: build a WebSocket server yourself, step by step, and hear at once how it does.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { requirements } from '../src/cli/probe/requirements.ts'
import { type Finding, judge } from './judge.ts'
import { type Step, steps } from './steps.ts'
import { solutionOf, stubOf } from './template.mjs'

const USAGE = `Usage: npm run learn [-- options]

Build a WebSocket server in one file, in ${steps.length} steps of five or ten minutes. Write in the file; every time it is saved it is
judged, and the next thing to do is shown.

Options:
  --file <path>    the file to write in (default learn/mine/server.mjs); it is made if there is none
  --step <n>       start afresh at step n, with the steps before it done; what was in the file is kept beside it
  --once           judge the file once and end: exit code 0 when all steps are done
  --solution <n>   print the file as it may look after step n
  --list           print the steps
  -h, --help       print this

While it watches: h and Enter for a hint, s and Enter for the solution of the step, q and Enter to end.
`

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Milliseconds that the server may take for an answer. */
const PATIENCE_MS = 1000
/** Editors write a file in several strokes. */
const SETTLE_MS = 100

function main(): number | Promise<number> {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  const options = { file: string, step: string, once: boolean, solution: string, list: boolean } as const
  let values: ReturnType<
    typeof parseArgs<{ options: typeof options & { help: { type: 'boolean'; short: 'h' } } }>
  >['values']
  try {
    values = parseArgs({ options: { ...options, help: { ...boolean, short: 'h' } } }).values
  } catch (error) {
    return refuse((error as Error).message.split('\n', 1)[0]!)
  }
  if (values.help === true) return say(USAGE)
  if (values.list === true) return say(steps.map(({ title }, i) => `${String(i + 1).padStart(2)}  ${title}\n`).join(''))
  const solved = values.solution === undefined ? undefined : stepNumber(values.solution)
  const from = values.step === undefined ? undefined : stepNumber(values.step)
  if (solved === 0) return refuse(`--solution takes a step from 1 to ${steps.length}, not ${values.solution}`)
  if (from === 0) return refuse(`--step takes a step from 1 to ${steps.length}, not ${values.step}`)
  if (solved !== undefined) return say(solutionOf(solved))
  const file = resolve(values.file ?? `${ROOT}learn/mine/server.mjs`)
  prepare(file, from)
  return values.once === true ? once(file) : new Course(file).run()
}

function stepNumber(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0
  return number <= steps.length ? number : 0
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

function refuse(message: string): number {
  process.stderr.write(`learn: ${message}; --help says what there is\n`)
  return 2
}

/** Makes the file if there is none, or if a step is to be begun afresh. */
function prepare(file: string, from: number | undefined): void {
  if (from === undefined && existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file)) {
    const kept = keptName(file)
    copyFileSync(file, kept)
    process.stdout.write(`what was in the file is now in ${relative('', kept)}\n`)
  }
  writeFileSync(file, stubOf(from ?? 1))
}

/** A name beside the file that nothing has yet: whoever begins afresh twice loses nothing. */
function keptName(file: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? `${file}.before` : `${file}.before-${n}`
    if (!existsSync(name)) return name
  }
}

async function once(file: string): Promise<number> {
  const { current, findings } = await judgeFile(file)
  process.stdout.write(report(current, findings))
  return current === steps.length ? 0 : 1
}

/** How far a file is: the index of the first step that is not done, and what was found about that. */
interface Progress {
  readonly current: number
  readonly findings: readonly Finding[]
}

async function judgeFile(file: string): Promise<Progress> {
  const all = await judge(
    file,
    steps.flatMap(({ ids }) => ids),
    PATIENCE_MS,
  )
  const current = steps.findIndex(({ ids }) => all.some(({ id, isMet }) => ids.includes(id) && !isMet))
  if (current < 0) return { current: steps.length, findings: [] }
  return { current, findings: all.filter(({ id }) => steps[current]!.ids.includes(id)) }
}

function report(current: number, findings: readonly Finding[]): string {
  const bar = steps.map((_, i) => (i < current ? '●' : '○')).join(' ')
  const lines = ['', `${bar}   ${current} of ${steps.length}`]
  if (current === steps.length) return `${lines.join('\n')}\n`
  const step = steps[current]!
  lines.push(
    '',
    styleText('bold', `Step ${current + 1}: ${step.title}`),
    `  ${step.goal}`,
    `  in ${step.where.join(', ')}`,
    '',
  )
  for (const { id, isMet, seen } of findings) {
    lines.push(`  ${isMet ? styleText('green', '✓') : styleText('red', '✗')} ${id}  ${ruleOf(id)}`)
    if (!isMet) lines.push(`      ${printable(seen)}`)
  }
  lines.push('', `  to see it: docs/illustrated/index.html#${step.see}, in a browser`)
  lines.push(`  ours: ${step.code}, tested in ${step.test}; the rules: docs/rfc/matrix.html`, '')
  return lines.join('\n')
}

/** What a requirement says, in a sentence. */
function ruleOf(id: string): string {
  const row = requirements.find((requirement) => requirement.id === id)
  if (row !== undefined) return row.text
  const table = readFileSync(`${ROOT}docs/rfc/requirements.tsv`, 'utf8')
  return (
    table
      .split('\n')
      .find((line) => line.startsWith(`${id}\t`))
      ?.split('\t')[6] ?? ''
  )
}

/** What a server sent must not move the cursor. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, ' ').replaceAll('\n', '\n      ')
}

/** Watches the file, judges it when it changes, and gives hints when they are asked for. */
class Course {
  readonly #file: string
  #current = -1
  #hints = 0
  #isBusy = false
  #isStale = false
  #page: Server | null = null

  constructor(file: string) {
    this.#file = file
  }

  async run(): Promise<number> {
    process.stdout.write(`Write in ${relative('', this.#file)} and save; h: a hint, s: the solution, q: the end.\n`)
    await this.#judge()
    const watcher = watch(dirname(this.#file), (_, name) => {
      if (name === null || resolve(dirname(this.#file), name) === this.#file) setTimeout(() => this.#judge(), SETTLE_MS)
    })
    const lines = createInterface({ input: process.stdin })
    for await (const line of lines) {
      if (line.trim() === 'q') break
      this.#answer(line.trim())
    }
    watcher.close()
    process.stdin.destroy()
    this.#page?.close()
    this.#page?.closeAllConnections()
    return 0
  }

  async #judge(): Promise<void> {
    this.#isStale = true
    if (this.#isBusy) return
    this.#isBusy = true
    while (this.#isStale) {
      this.#isStale = false
      try {
        const { current, findings } = await judgeFile(this.#file)
        if (current !== this.#current) this.#hints = 0
        this.#current = current
        process.stdout.write(report(current, findings))
        if (current === steps.length) await this.#finish()
      } catch (error) {
        // Half a line was saved: it is judged when it is whole.
        process.stdout.write(`\n${styleText('red', '✗')} ${printable(String((error as Error).message))}\n`)
      }
    }
    this.#isBusy = false
  }

  #answer(line: string): void {
    const step: Step | undefined = steps[this.#current]
    if (step === undefined) return
    if (line === 'h') {
      const hint = step.hints[this.#hints]
      process.stdout.write(hint === undefined ? 'That was the last hint; s shows the solution.\n' : `  ${hint}\n`)
      if (hint !== undefined) this.#hints++
    } else if (line === 's') process.stdout.write(`${addedLines(this.#current + 1)}\n`)
    else if (line !== '') process.stdout.write('h: a hint, s: the solution, q: the end\n')
  }

  /** A real browser has the last word. */
  async #finish(): Promise<void> {
    if (this.#page !== null) return
    this.#page = await servePage(this.#file)
    const { port } = this.#page.address() as AddressInfo
    const file = relative('', this.#file)
    process.stdout.write(`
All done. This is a WebSocket server.

  talk to it in a browser:        http://127.0.0.1:${port}
  measure its parser beside ours: npm run bench -- frames --parser ${file}
  see its bytes explained:        npm run framewright -- explain 81 85 37 fa 21 3d 7f 9f 4d 51 58

`)
  }
}

/** The lines that the solution of a step has and its stub has not. */
function addedLines(step: number): string {
  const before = new Set(stubOf(step).split('\n'))
  return solutionOf(step)
    .split('\n')
    .filter((line) => !before.has(line))
    .map((line) => styleText('green', `  + ${line}`))
    .join('\n')
}

/** A page that talks to the learner's server, which runs in this process. */
async function servePage(file: string): Promise<Server> {
  const { serve } = (await import(file)) as { serve(port: number): Server }
  const own = serve(0)
  await new Promise((listening) => own.once('listening', listening))
  const { port } = own.address() as AddressInfo
  const page = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(pageFor(port))
  }).listen(0, '127.0.0.1')
  page.on('close', () => own.close())
  await new Promise((listening) => page.once('listening', listening))
  return page
}

function pageFor(port: number): string {
  return `<!doctype html><meta charset="utf-8"><title>Your server</title>
<h1>Your server</h1><input id="text" aria-label="Message" placeholder="Say something and press Enter"><pre id="log"></pre>
<script>
  const log = (line) => document.querySelector('#log').append(line + '\\n')
  const ws = new WebSocket('ws://127.0.0.1:${port}')
  ws.onopen = () => log('open, extensions: ' + (ws.extensions || 'none'))
  ws.onmessage = (event) => log(event.data)
  ws.onclose = (event) => log('closed with ' + event.code)
  document.querySelector('#text').onchange = (event) => ws.send(event.target.value)
</script>
`
}

process.exitCode = await main()
