import { type Direction, frameTitle } from '../../inspector/annotate/index.ts'
import type { Entry } from '../../inspector/record/entry.ts'
import { printableLine, showStatus } from '../connect/show.ts'

/** What happened on a connection, in a line, and one more for each rule that is broken; nothing for what is shown otherwise. */
export function showEntry(entry: Entry): string[] {
  switch (entry.kind) {
    case 'head':
      return [`${arrow(entry.direction)} ${printableLine(entry.startLine)}`, ...entry.verdicts.map(showVerdict)]
    case 'frame': {
      const status = entry.statusCode === null ? '' : `  ${showStatus(entry.statusCode, entry.preview ?? '')}`
      const text = entry.opcode === 8 || entry.preview === null ? status : `  ${JSON.stringify(entry.preview)}`
      return [
        `${arrow(entry.direction)} [${frameTitle(entry)}]${printableLine(text)}`,
        ...entry.verdicts.map(showVerdict),
      ]
    }
    case 'message': {
      if (!entry.compressed) return []
      const inflated = entry.length === null ? 'not inflated' : `${entry.length} B inflated`
      return [`${arrow(entry.direction)} message ${entry.index}: ${entry.wireLength} B on the wire, ${inflated}`]
    }
    case 'noise':
      return [`${arrow(entry.direction)} no WebSocket: ${entry.what}`, ...entry.verdicts.map(showVerdict)]
    case 'state':
      return [`-- ${entry.state}${entry.by === null ? '' : `, begun by the ${entry.by}`}`]
    case 'end':
      return [`${arrow(entry.direction)} ${entry.how === 'fin' ? 'FIN' : 'reset'}`]
    case 'error':
      return [`-- ${printableLine(entry.message)}`]
    default:
      return []
  }
}

function arrow(direction: Direction): string {
  return direction === 'c2s' ? '->' : '<-'
}

function showVerdict({ id, message }: { id: string; message: string }): string {
  return `   x ${id}: ${printableLine(message)}`
}
