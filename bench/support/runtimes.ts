import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Other runtimes whose own servers take part where they are installed. */
export type Runtime = 'bun' | 'deno'

/** Where `npm run bench -- --with NAME` puts them: packages that hold nothing but the program. */
const INSTALLED: Readonly<Record<Runtime, readonly string[]>> = {
  bun: ['@oven/bun-linux-x64/bin/bun', '@oven/bun-linux-aarch64/bin/bun'],
  deno: ['@deno/linux-x64-glibc/deno', '@deno/linux-arm64-glibc/deno'],
}

/** The program of a runtime: on the PATH, or installed beside the benches; null where it is neither. */
export function findRuntime(runtime: Runtime): string | null {
  const beside = fileURLToPath(new URL('../../../node_modules/', import.meta.url))
  const places = [
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, runtime)),
    ...INSTALLED[runtime].map((path) => join(beside, path)),
  ]
  return places.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
