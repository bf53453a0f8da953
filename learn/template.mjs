/*
 * The server of the exercises in one text, `server.template`, from which every step is cut:
 *
 *     //# 5            what the solution of step 5 has here
 *     //# 5 else       what stands here until then; comments that begin with //~ are the exercise
 *     //# 5 end
 *
 * Parts may stand inside of one another. So a stub of a step is the solution of the step before, and nothing is written twice.
 */
import { readFileSync } from 'node:fs'

const MARK = /^ *\/\/# (\d+)( else| end)?$/

/** How many steps there are. */
export const STEPS = 12

/** The server when all steps up to `step` are done, and the exercises of those that follow stand in it. */
export function solutionOf(step) {
  const lines = readFileSync(new URL('./server.template', import.meta.url), 'utf8').split('\n')
  const kept = []
  const open = []
  for (const [index, line] of lines.entries()) {
    const [mark, number, word = ''] = MARK.exec(line) ?? []
    if (mark === undefined) {
      const isKept = open.every(({ step: of, isElse }) => of <= step !== isElse)
      if (isKept) kept.push(line.replace(/^( *)\/\/~ /, '$1// '))
    } else if (word === '') open.push({ step: Number(number), isElse: false })
    else {
      const last = open.at(-1)
      if (last?.step !== Number(number)) throw new Error(`server.template:${index + 1}: ${line.trim()} closes nothing`)
      if (word === ' end') open.pop()
      else last.isElse = true
    }
  }
  if (open.length > 0) throw new Error(`server.template: step ${open[0].step} is not ended`)
  return kept.join('\n')
}

/** Where somebody starts who wants to do `step`. */
export function stubOf(step) {
  return solutionOf(step - 1)
}
