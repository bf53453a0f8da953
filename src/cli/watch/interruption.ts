import { now } from '../../ground/scheduling.ts'
import { ExitCode } from '../command.ts'

/** npm passes on the Ctrl-C that the terminal has already sent to us: twice within this time is one key press. */
const SAME_KEY_PRESS_MS = 250

/** Resolves at the first SIGINT or SIGTERM; from then on the next one ends the process at once. */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = () => {
      const at = now()
      if (firstAt === undefined) {
        firstAt = at
        resolve()
      } else if (at - firstAt > SAME_KEY_PRESS_MS) {
        process.exit(ExitCode.interrupted)
      }
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
