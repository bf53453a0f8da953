import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** A file of the pages. */
export interface Asset {
  readonly type: string
  readonly body: Buffer
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

/** The pages, by path; `/` is the inspector. They lie beside this folder, in `src/` as in `dist/`. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const folder = new URL('../page/', import.meta.url)
  const assets = new Map<string, Asset>()
  // A checkout may not have built them.
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const type = TYPES[name.slice(name.lastIndexOf('.'))]
    if (type !== undefined) assets.set(`/${name}`, { type, body: readFileSync(new URL(name, folder)) })
  }
  const main = assets.get('/inspector.html')
  if (main !== undefined) assets.set('/', main)
  return assets
}
