// The public surface in a form that shows in a diff: docs/api/<entry point>.api.md, by API Extractor.
//
//   npm run api              write the reports anew: whoever changes the surface commits them with the change
//   npm run api -- --check   write nothing; exit code 1 and the differences when a report is not what the code says
//
// After a merge conflict in a report, run it again: the reports follow from the code alone.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false }, root: { type: 'string' } } })
const root = resolve(values.root ?? fileURLToPath(new URL('..', import.meta.url)))
const reports = join(root, 'docs', 'api')
// Inside the project, so that the types of Node are found from there.
const work = join(root, 'reports', 'api')
const declarations = join(work, 'declarations')
const fresh = join(work, 'fresh')

rmSync(work, { recursive: true, force: true })
mkdirSync(fresh, { recursive: true })
emitDeclarations()

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.entries(manifest.exports).filter(([, target]) => target.types !== undefined)
const configs = entries.map(([entry, { types }]) => prepare(entry, types.replace('./dist', declarations)))
const compilerState = CompilerState.create(configs[0], {
  additionalEntryPoints: configs.slice(1).map((config) => config.mainEntryPointFilePath),
})
for (const config of configs) {
  const { succeeded, errorCount } = Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== 'error'
    },
  })
  if (!succeeded || errorCount > 0) fail(`no report of ${config.mainEntryPointFilePath}`)
}

const names = configs.map(({ reportFilePath }) => reportFilePath.slice(fresh.length + 1))
const stale = existsSync(reports) ? readdirSync(reports).filter((name) => !names.includes(name)) : []
if (values.check) check()
else {
  mkdirSync(reports, { recursive: true })
  for (const name of names) writeFileSync(join(reports, name), readFileSync(join(fresh, name), 'utf8'))
  for (const name of stale) rmSync(join(reports, name))
  console.log(`wrote ${names.length} reports to docs/api`)
}
rmSync(work, { recursive: true, force: true })

/** As `npm run build` does it, without the JavaScript. */
function emitDeclarations() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = ['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', declarations]
  if (spawnSync(process.execPath, [tsc, ...args], { stdio: 'inherit' }).status !== 0) fail('src/ has type errors')
  for (const entry of readdirSync(declarations, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.d.ts')) continue
    const file = join(declarations, entry)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace(/((?:from|import) ?\(?)(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2'))
  }
}

/** @param entry - a key of `exports`: `.` or `./frames` */
function prepare(entry, mainEntryPointFilePath) {
  const name = entry === '.' ? 'framewright' : `framewright-${entry.slice(2)}`
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.json'),
          compilerOptions: { types: ['node'], skipLibCheck: true, allowImportingTsExtensions: true, noEmit: true },
          include: [join(declarations, '**/*.d.ts')],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: fresh,
        reportTempFolder: join(work, 'temp'),
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // Doc comments are for readers here, and every export is public: neither needs the tags that these ask for.
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
}

function check() {
  const differing = names.filter((name) => {
    const path = join(reports, name)
    return !existsSync(path) || readFileSync(path, 'utf8') !== readFileSync(join(fresh, name), 'utf8')
  })
  for (const name of differing) {
    const path = join(reports, name)
    const old = existsSync(path) ? path : '/dev/null'
    spawnSync('diff', ['-u', '--label', `docs/api/${name}`, '--label', 'the code', old, join(fresh, name)], {
      stdio: 'inherit',
    })
  }
  for (const name of stale) console.log(`docs/api/${name} is the report of no entry point`)
  if (differing.length + stale.length > 0)
    fail('the public surface has changed: `npm run api` accepts it, commit what it writes')
  console.log(`${names.length} reports are what the code says`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
