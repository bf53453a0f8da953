import { readFileSync } from 'node:fs'
import { ROOT } from './child.ts'

/** A fenced block of code in README.md. */
export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** The nearest heading above. */
  readonly heading: string
}

/** The code blocks of README.md, in order. */
export function readmeBlocks(): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let heading = ''
  let open: { language: string; lines: string[] } | undefined
  for (const line of readFileSync(`${ROOT}README.md`, 'utf8').split('\n')) {
    if (line.startsWith('```')) {
      if (open === undefined) open = { language: line.slice(3).trim(), lines: [] }
      else {
        blocks.push({ language: open.language, code: `${open.lines.join('\n')}\n`, heading })
        open = undefined
      }
    } else if (open !== undefined) open.lines.push(line)
    else if (line.startsWith('#')) heading = line.replace(/^#+\s*/, '')
  }
  if (open !== undefined) throw new Error('README.md ends inside a code block')
  return blocks
}

/** The one block in a language that occurs once. */
export function readmeBlock(language: string): string {
  const blocks = readmeBlocks().filter((block) => block.language === language)
  if (blocks.length !== 1) throw new Error(`README.md has ${blocks.length} blocks of ${language}, not one`)
  return blocks[0]!.code
}
