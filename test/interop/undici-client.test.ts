import { describe } from 'vitest'
import { run } from '../support/child.ts'
import { itSpeaksToWhatwgClient } from '../support/whatwg-client.ts'

/** Node 20 has its WebSocket client behind a flag; later versions take the flag too. */
async function evaluateInNode(source: string): Promise<unknown> {
  const script = `const value = await ${source}; process.stdout.write(JSON.stringify(value))`
  const args = ['--experimental-websocket', '--no-warnings', '--input-type=module', '-']
  const { code, stdout, stderr } = await run(process.execPath, args, { input: script, ms: 30_000 })
  if (code !== 0) throw new Error(`the client failed with ${code}:\n${stderr}`)
  return JSON.parse(stdout) as unknown
}

describe('the WebSocket client of Node (undici)', () => {
  itSpeaksToWhatwgClient(evaluateInNode)
})
