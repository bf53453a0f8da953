// Assembles src/frames/mask-kernel.wat into src/frames/mask-kernel.ts; `--check` only says whether that is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import wabt from 'wabt'

const folder = new URL('../src/frames/', import.meta.url)
const source = readFileSync(new URL('mask-kernel.wat', folder), 'utf8')
const module = (await wabt()).parseWat('mask-kernel.wat', source, { simd: true })
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64')
const lines = base64.match(/.{1,100}/g).map((line) => `  '${line}'`)
const text = `/** \`mask-kernel.wat\` as \`node bench/assemble.mjs\` makes it, in base64. @internal */
export const maskKernel: string =
${lines.join(' +\n')}
`
const target = new URL('mask-kernel.ts', folder)
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/frames/mask-kernel.ts is not what mask-kernel.wat says; run node bench/assemble.mjs')
  process.exitCode = 1
}
