// Builds dist/: JavaScript and declarations by plain tsc, everything else under src/ (the page assets) copied as it is.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// tsc rewrites the extension of relative imports in JavaScript and leaves it in declarations, where `.ts` names no file of dist/.
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.name.endsWith('.d.ts')) continue
  const file = join(entry.parentPath, entry.name)
  const declarations = readFileSync(file, 'utf8')
  writeFileSync(file, declarations.replace(/((?:from|import) ?\(?)(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2'))
}

for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || extname(entry.name) === '.ts') continue
  const from = join(entry.parentPath, entry.name)
  cpSync(from, join(dist, from.slice(src.length)))
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
for (const bin of Object.values(manifest.bin)) {
  const file = join(root, bin)
  if (!readFileSync(file, 'utf8').startsWith('#!/usr/bin/env node\n')) fail(`${bin} does not start with a node shebang`)
  chmodSync(file, 0o755)
}

// What package.json promises must be there, and `types` must come first: resolvers take the first condition that matches.
for (const [entry, target] of Object.entries(manifest.exports)) {
  if (typeof target === 'object' && Object.keys(target)[0] !== 'types')
    fail(`exports["${entry}"] must name types first`)
  for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
    if (!existsSync(join(root, path))) fail(`exports["${entry}"] promises ${path}, which the build did not make`)
  }
}
for (const path of [manifest.main, manifest.types]) {
  if (!existsSync(join(root, path))) fail(`package.json promises ${path}, which the build did not make`)
}

function fail(message) {
  console.error(`build: ${message}`)
  process.exit(1)
}
