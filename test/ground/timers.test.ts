import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

/** Whatever waits for time. `socket.setTimeout(0)` waits for nothing. */
const TIMERS = new Set(['setTimeout', 'setInterval', 'AbortSignal.timeout', 'new Deadline'])

/** The timers of a source, in order: its own and those that it sets by others. */
function timersIn(source: string): string[] {
  const tree = ts.createSourceFile('a.ts', source, ts.ScriptTarget.ES2022, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && node.moduleSpecifier.getText(tree) === "'node:timers/promises'") {
      found.push('timers/promises')
    } else if (ts.isNewExpression(node)) found.push(`new ${node.expression.getText(tree)}`)
    else if (ts.isCallExpression(node) && !isOff(node)) {
      const called = node.expression.getText(tree)
      found.push(TIMERS.has(called) ? called : called.split('.').at(-1)!)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found.filter((name) => TIMERS.has(name) || name === 'timers/promises')
}

function isOff(call: ts.CallExpression): boolean {
  return call.expression.getText().includes('.') && call.arguments.length === 1 && call.arguments[0]!.getText() === '0'
}

describe('the timers of src/', () => {
  it('are these: a new one is a Deadline too, and has its line here with what happens when it comes late', () => {
    const timers: Record<string, string[]> = {}
    for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' }).sort()) {
      if (!file.endsWith('.ts')) continue
      const found = timersIn(readFileSync(join(SRC, file), 'utf8'))
      if (found.length > 0) timers[file.replaceAll('\\', '/')] = found
    }
    expect(timers).toEqual({
      // Waits for the server that is probed; looks again at what has come.
      'cli/probe/peer.ts': ['new Deadline', 'new Deadline'],
      // Waits for the server that a session is played to; looks again at what has come.
      'cli/replay/against.ts': ['new Deadline'],
      // The handshake of a client: over when the answer was read meanwhile.
      'client/dial.ts': ['new Deadline'],
      // The one timer of Node, and the one place that sets it.
      'ground/clock.ts': ['setTimeout'],
      'ground/deadline.ts': ['setTimeout'],
      // How long a server has to answer what the lab of the inspector sends; it is for nobody's judgement.
      'inspector/live/lab.ts': ['new Deadline'],
      // Looks again at what is held; what was written meanwhile is held no more.
      'server/memory-budget.ts': ['new Deadline'],
      // The handshakes of a server: those that were read meanwhile are not among them any more.
      'server/deadlines.ts': ['new Deadline'],
      // How long a refused peer may stay.
      'server/pending-handshake.ts': ['new Deadline'],
      // The next connection is closed; and the grace, which gives back what was lost.
      'server/shutdown.ts': ['new Deadline', 'new Deadline'],
      // The beat: silence and stalled writes are looked at after the turn.
      'socket/heartbeat.ts': ['new Deadline'],
      // More waits than softBackpressure: judged after the turn, and with what was lost given back.
      'socket/outbox.ts': ['new Deadline'],
      // Reads on.
      'socket/rate-limiter.ts': ['new Deadline'],
      // The closing handshake: over when the peer ended meanwhile, and longer when it had answered.
      'socket/socket-driver.ts': ['new Deadline'],
    })
  })

  it.each([
    ["import { setTimeout } from 'node:timers'\nsetTimeout(f, 1)", ['setTimeout']],
    ["import { setTimeout as after } from 'node:timers/promises'", ['timers/promises']],
    ['globalThis.setInterval(f, 1)', ['setInterval']],
    ['clock.setTimeout(f, 1)', ['setTimeout']],
    ['socket.setTimeout(1000)', ['setTimeout']],
    ['AbortSignal.timeout(1000)', ['AbortSignal.timeout']],
    ['new Deadline(clock, 1, f)', ['new Deadline']],
    ['socket.setTimeout(0)\nclearTimeout(timer)\nclass A { setTimeout(): void {} }', []],
  ])('are found in %j', (source, timers) => {
    expect(timersIn(source)).toEqual(timers)
  })
})
