import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the performance gate', () => {
  it('fails for a copy of the sources whose parser checks each header a hundred times', { timeout: 300_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'framewright-slow-'))
    try {
      const src = join(folder, 'src')
      cpSync(join(root, 'src'), src, { recursive: true })
      const parser = join(src, 'frames/parser.ts')
      const source = readFileSync(parser, 'utf8')
      const slowed = source.replace(
        'const violation = checkHeader(byte0, byte1, this)',
        'let violation = null\n    for (let i = 0; i < 100; i++) violation ??= checkHeader(byte0, byte1 ^ (i & 0), this)',
      )
      expect(slowed).not.toBe(source)
      writeFileSync(parser, slowed)

      const { status, stdout } = spawnSync(process.execPath, [join(root, 'bench/gate.mjs'), '--src', src], {
        encoding: 'utf8',
      })

      expect(stdout).toMatch(/^read 16 B .*TOO SLOW$/m)
      expect(status).toBe(1)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
