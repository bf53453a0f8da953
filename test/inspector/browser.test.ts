import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

/** What browsers have of what Node has, besides the language: nothing of Node's own. */
const browser = { TextDecoder, TextEncoder, atob, btoa, Uint8Array }

describe('the engine in a browser', () => {
  it('bundles without anything of Node, and explains Hello', async () => {
    const { outputFiles, warnings } = await build({
      entryPoints: [fileURLToPath(new URL('../../src/inspector/annotate/index.ts', import.meta.url))],
      bundle: true,
      minify: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'inspector',
      write: false,
    })
    expect(warnings).toEqual([])
    const code = outputFiles[0]!.text
    const context = createContext({ ...browser })
    runInContext(code, context)
    const text = runInContext(
      `inspector.annotate(Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58)).messages[0].text`,
      context,
    )
    expect(text).toBe('Hello')
  })
})
