import { run } from './child.ts'
import { type Program, programPath } from './programs.ts'

/**
 * Run a client script written for a Debian package, by default python3-websockets. The script reads the port from `sys.argv[1]` and prints one JSON
 * value, which is returned.
 */
export async function runPython(
  script: string,
  port: number,
  program: Program = 'python3-websockets',
): Promise<unknown> {
  const { code, stdout, stderr } = await run(programPath(program), ['-', String(port)], {
    input: script,
    ms: 30_000,
  })
  if (code !== 0) throw new Error(`the Python client failed with ${code}:\n${stderr}`)
  return JSON.parse(stdout) as unknown
}
