import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RefusedParser } from './peers/own-parser.ts'
import { profile } from './profile.ts'
import type { Bench, Settings, Table } from './support/bench.ts'
import { chartOf } from './support/charts.ts'
import { chooseGenerator } from './support/load.ts'
import { formatTable } from './support/table.ts'

const USAGE = `npm run bench [-- NAME…] [--quick] [--json] [--against PEER,PEER] [--cell TEXT] [--parser FILE] [--load c|node] [--list] [--with bun,deno] [--charts FOLDER] [--profile FOLDER]`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    against: { type: 'string', default: '' },
    cell: { type: 'string', default: '' },
    parser: { type: 'string', default: '' },
    load: { type: 'string' },
    charts: { type: 'string' },
    profile: { type: 'string' },
  },
})

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => file.slice(0, -'.bench.js'.length))

async function load(name: string): Promise<Bench> {
  const { bench } = (await import(new URL(`./${name}.bench.js`, import.meta.url).href)) as { bench: Bench }
  return bench
}

async function list(): Promise<void> {
  console.log(USAGE)
  for (const name of names) console.log(`  ${name.padEnd(12)} ${(await load(name)).about}`)
}

async function run(): Promise<void> {
  const settings: Settings = {
    quick: values.quick,
    against: values.against === '' ? [] : values.against.split(','),
    cell: values.cell,
    parser: values.parser,
    progress: (text) => console.error(`  ${text}`),
  }
  const report: Record<string, readonly Table[]> = {}
  for (const name of positionals.length === 0 ? names : positionals) {
    console.error(name)
    const tables = await (await load(name)).run(settings)
    report[name] = tables
    if (values.charts !== undefined) draw(values.charts, name, tables)
    if (!values.json) for (const table of tables) console.log(`\n${formatTable(table)}`)
  }
  if (values.json) {
    const machine = { node: process.version, arch: process.arch, cpu: cpus()[0]?.model, cores: cpus().length }
    console.log(JSON.stringify({ machine, quick: values.quick, report }, null, 2))
  }
}

function draw(folder: string, name: string, tables: readonly Table[]): void {
  mkdirSync(folder, { recursive: true })
  tables.forEach((table, i) => {
    writeFileSync(join(folder, `${name}-${i + 1}.svg`), chartOf(table))
  })
}

if (values.load === 'c' || values.load === 'node') chooseGenerator(values.load)

const unknown = positionals.find((name) => !names.includes(name))
if (unknown !== undefined) {
  console.error(`there is no bench ${unknown}; there are ${names.join(', ')}`)
  process.exitCode = 2
} else if (values.load !== undefined && values.load !== 'c' && values.load !== 'node') {
  console.error(`--load takes c or node, not ${values.load}`)
  process.exitCode = 2
} else if (values.profile !== undefined) await profile(values.profile, values.cell)
else {
  try {
    await (values.list || values.help ? list() : run())
  } catch (error) {
    if (!(error instanceof RefusedParser)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
