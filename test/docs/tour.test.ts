import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/child.ts'

const FILE = `${ROOT}docs/tour.md`
const tour = readFileSync(FILE, 'utf8')

/** Rows of the tables: a file, and the names to look at in it. */
const stops = [...tour.matchAll(/\[(src\/[^\]]+)\]\(\.\.\/([^)]+)\) \| ([^|]+) \|$/gm)].map(
  ([, shown, file, names]) => ({
    shown: shown!,
    file: file!,
    names: [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  }),
)

/** Whether `source` defines `name`: a function, a method, a type or a value; to call it is not enough. */
function defines(source: string, name: string): boolean {
  const plain = name.replace('#', '\\#')
  const topLevel = new RegExp(`^export (?:async )?(?:function|class|const|let|interface|type) ${plain}\\b`, 'm')
  const inFile = new RegExp(`^(?:async )?function ${plain}\\b`, 'm')
  const method = new RegExp(`^ {2}(?:override |async |get |static )*${plain}(?:<[^>]*>)?\\((?:.*\\{)?$`, 'm')
  return topLevel.test(source) || inFile.test(source) || method.test(source)
}

describe('docs/tour.md', () => {
  it('has stops from the accept to the event', () => {
    expect(stops.length).toBeGreaterThan(30)
    for (const { shown, file, names } of stops) {
      expect(shown).toBe(file)
      expect(names, file).not.toEqual([])
    }
  })

  it.each(stops)('$file has $names', ({ file, names }) => {
    const source = readFileSync(ROOT + file, 'utf8')
    expect(names.filter((name) => !defines(source, name))).toEqual([])
  })

  it('tells a definition from a call and from a comment', () => {
    const source = 'export function one() {\n  two()\n  // three()\n}\nclass C {\n  #four(): void {\n  }\n}\n'
    expect(['one', 'two', 'three', '#four'].filter((name) => defines(source, name))).toEqual(['one', '#four'])
  })

  it('links only to files that are there, and to no line of them', () => {
    const links = [...tour.matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to!).filter((to) => !to.startsWith('https:'))
    expect(links.length).toBeGreaterThan(40)
    expect(links.filter((to) => to.includes('#L'))).toEqual([])
    expect(links.filter((to) => !existsSync(join(dirname(FILE), to.replace(/#.*/, ''))))).toEqual([])
  })

  it('draws the frame with the names that the code uses', () => {
    const [, diagram = ''] = /```\n([^`]*FIN(?:[^`]|`#arrived`)*?)```/.exec(tour) ?? []
    const header = readFileSync(`${ROOT}src/frames/header.ts`, 'utf8')
    const parser = readFileSync(`${ROOT}src/frames/parser.ts`, 'utf8')
    for (const name of ['FIN', 'RSV1', 'RSV2', 'RSV3', 'OPCODE', 'MASK', 'LENGTH', 'LENGTH_16', 'LENGTH_64']) {
      expect(diagram).toContain(name)
      expect(header).toMatch(new RegExp(`^export const ${name} = `, 'm'))
    }
    for (const name of ['byte0', 'byte1', 'payloadLength', '#arrived']) {
      expect(diagram).toContain(name)
      expect(parser).toContain(name)
    }
  })
})
