// Bundles the pages into src/inspector/page/, which is committed: a clone has them at once, and so has the package.
//
//   npm run pages              writes them
//   npm run pages -- --check   says whether what is committed is what the sources give
//   npm run pages -- --sites   writes src/parts/sites.ts anew: which code keeps a rule, and which test shows it
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..')
const out = join(root, 'src', 'inspector', 'page')

/** What each page is made of: the style sheet and the scripts are named as their entry points. */
const ENTRIES = ['explain.ts', 'explain.css', 'inspector.ts', 'inspector.css']
const PAGES = ['explain.html', 'inspector.html']

/** The built files, by name. */
export async function buildPages() {
  installPackages()
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ENTRIES.map((name) => join('src', name)),
    outdir: 'out',
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: ['es2022', 'chrome120', 'firefox120', 'safari17'],
    charset: 'utf8',
    legalComments: 'none',
    plugins: [levelsOnly],
    banner: { js: '/* Made by npm run pages. Contains Lit, Copyright Google LLC, BSD-3-Clause. */' },
  })
  const files = new Map(outputFiles.map(({ path, text }) => [path.slice(join(here, 'out').length + 1), text]))
  for (const page of PAGES) {
    const text = readFileSync(join(here, 'src', page), 'utf8')
    files.set(page, text.replace(/<!--.*?-->/gs, '').replace(/>\s*\n\s*</g, '><'))
  }
  return files
}

/** The pages show the level of a requirement and link to its text: the text itself stays out of the bundle. */
const levelsOnly = {
  name: 'levels-only',
  setup({ onLoad }) {
    onLoad({ filter: /annotate[\\/]requirements\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      return { loader: 'ts', contents: text.replace(/^( {2}\['[\d.-]+', '[A-Z ]+', ).*\],$/gm, "$1''],") }
    })
  },
}

function installPackages() {
  if (existsSync(join(here, 'node_modules', '.package-lock.json'))) return
  console.log('installing the packages of pages/')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', here], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('the packages of pages/ cannot be installed')
}

/** For each requirement that an annotation can name: the first file whose code carries it, and the first whose test does. */
function sites() {
  const ids = [
    ...readFileSync(join(root, 'src/inspector/annotate/requirements.ts'), 'utf8').matchAll(/^ {2}\['([\d.-]+)'/gm),
  ]
  const code = sourcesOf('src', (path) => !/^src\/(?:inspector|cli|compat|testing)\//.test(path))
  const tests = sourcesOf('test', (path) => path.endsWith('.test.ts'))
  const lines = ids.flatMap(([, id]) => {
    const inCode = code.find(({ text }) => text.includes(`@req ${id}`) || text.includes(`'${id}'`))
    const inTest = tests.find(({ text }) =>
      new RegExp(`\\[[^\\]\\n]*\\b${id.replaceAll('.', '\\.')}\\b(?![-.\\d])`).test(text),
    )
    return inCode === undefined || inTest === undefined ? [] : [`  '${id}': ['${inCode.path}', '${inTest.path}'],\n`]
  })
  return `// Made by npm run pages -- --sites; do not edit.

/** By requirement: the code that keeps it, and a test that shows it. Paths from the root of the repository. */
export const sites: Readonly<Record<string, readonly [code: string, test: string] | undefined>> = {
${lines.join('')}}
`
}

function sourcesOf(folder, isWanted) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules') && isWanted(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Names of built files that are not what is committed. */
export function outdated(files) {
  return [...files]
    .filter(([name, text]) => {
      const path = join(out, name)
      return !existsSync(path) || readFileSync(path, 'utf8') !== text
    })
    .map(([name]) => name)
}

async function run(args) {
  if (args.includes('--sites')) writeFileSync(join(here, 'src', 'parts', 'sites.ts'), sites())
  const files = await buildPages()
  if (args.includes('--check')) {
    const names = outdated(files)
    if (names.length === 0) return
    console.error(`src/inspector/page/: ${names.join(', ')} not what the sources give; npm run pages writes them`)
    process.exitCode = 1
    return
  }
  mkdirSync(out, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(out, name), text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2))
