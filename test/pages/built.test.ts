import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { ROOT } from '../support/child.ts'
import { describeWith } from '../support/programs.ts'

describeWith('pages', 'the built pages', () => {
  it('are what the sources give', () => {
    const { status, stderr } = spawnSync(process.execPath, ['pages/build.mjs', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('have sources that type-check', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      ['node_modules/typescript/bin/tsc', '-p', 'pages', '--noEmit'],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})
