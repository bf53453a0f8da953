import { afterAll, beforeAll, describe, it } from 'vitest'
import { Child, cliArguments } from '../support/child.ts'
import { policyProbes, runProbe } from '../support/policy-probes.ts'
import { TestServer } from '../support/test-server.ts'

describe('WebSocketServer answers the probes', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.start()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  for (const probe of policyProbes) {
    it(`${probe.point === 0 ? 'RFC 6455' : `point ${probe.point}`}: ${probe.name}`, async () => {
      await runProbe(server.port, probe)
    })
  }
})

describe('framewright serve', () => {
  let child: Child
  let port: number
  beforeAll(async () => {
    child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--host', '127.0.0.1'))
    const [, printed] = await child.printed(/ws:\/\/[^:\n]+:(\d+)/, 30_000)
    port = Number(printed)
  })
  afterAll(async () => {
    await child[Symbol.asyncDispose]()
  })

  it('answers the same probes, one after the other on one process', async () => {
    for (const probe of policyProbes) {
      try {
        await runProbe(port, probe)
      } catch (error) {
        throw new Error(`point ${probe.point}: ${probe.name}`, { cause: error })
      }
    }
  })
})
