import { readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { explainCommand } from '../../src/cli/explain.ts'
import type { parseFrames } from '../../src/frames/index.ts'
import type { annotate } from '../../src/inspector/annotate/index.ts'
import type { Connection } from '../../src/protocol/index.ts'
import { ROOT } from '../support/child.ts'
import { clientFrame } from '../support/client-frames.ts'
import { describeFrames } from '../support/connection-pair.ts'
import { toHex } from '../support/hex.ts'
import { RecordingListener } from '../support/recording-listener.ts'

/** The sources, in which one row of the table was changed. */
interface Changed {
  readonly annotate: typeof annotate
  readonly explainCommand: typeof explainCommand
  readonly Connection: typeof Connection
  readonly parseFrames: typeof parseFrames
}

const ROW = "rule('6455-5.2-4', ProtocolError, 'reserved opcode; only 0, 1, 2, 8, 9 and A are defined')"
const CHANGED_ROW = "rule('6455-5.2-8', PolicyViolation, 'changed for a test')"

async function sourcesWithChangedRow(): Promise<Changed> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { annotate } from './src/inspector/annotate/index.ts'
        export { explainCommand } from './src/cli/explain.ts'
        export { Connection } from './src/protocol/index.ts'
        export { parseFrames } from './src/frames/index.ts'`,
      resolveDir: ROOT,
    },
    ...({ bundle: true, platform: 'node', format: 'esm', write: false } as const),
    plugins: [
      {
        name: 'change a row',
        setup({ onLoad }) {
          onLoad({ filter: /frames\/violation\.ts$/ }, ({ path }) => {
            const parts = readFileSync(path, 'utf8').split(ROW)
            if (parts.length !== 2) throw new Error('the row is not where it was')
            return { contents: parts.join(CHANGED_ROW), loader: 'ts' }
          })
        },
      },
    ],
  })
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0]!.text).toString('base64')}`)
}

const bytes = clientFrame({ opcode: 3 })
let changed: Changed

beforeAll(async () => {
  changed = await sourcesWithChangedRow()
})

describe('a changed row of violations', () => {
  it('changes annotations, and with them every page', () => {
    const [verdict] = changed.annotate(bytes).units[0]!.verdicts
    expect(verdict).toMatchObject({ id: '6455-5.2-8', statusCode: 1008, message: 'changed for a test' })
    expect([verdict!.rule, verdict!.mend!.to]).toEqual(['ReservedOpcode', '82'])
    expect(verdict!.duty.close!.statusCode).toBe(1008)
  })

  it('changes the command line', async () => {
    let stdout = ''
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      stdout += String(text)
      return true
    })
    await changed.explainCommand.run([toHex(bytes)]).finally(() => write.mockRestore())
    for (const words of ['6455-5.2-8', 'changed for a test', 'Close 1008']) expect(stdout).toContain(words)
  })

  it('changes what connections answer, and parseFrames', () => {
    const connection = new changed.Connection(new RecordingListener(), { role: 'server' })
    connection.receive(bytes.slice())
    expect(describeFrames(Buffer.concat(connection.takeOutput()))).toEqual([
      'close 1008 "6455-5.2-8 changed for a test"',
    ])
    expect(changed.parseFrames(bytes, { role: 'server' }).violation).toMatchObject({
      id: '6455-5.2-8',
      statusCode: 1008,
    })
  })
})
