import { once } from 'node:events'
import { expect, it } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { within } from '../support/deadline.ts'
import { HookBench, portOf } from '../support/hook-bench.ts'
import { HOSTILE_VALUES } from '../support/hostile-values.ts'

const tls = makeCertificate()

it.each([
  ['thrown', false],
  ['of a promise', true],
])('a hostile value from checkServerIdentity, %s, refuses the server and ends nothing else', async (_, isLate) => {
  for (const [name, make] of Object.entries(HOSTILE_VALUES)) {
    const bench = new HookBench(make, isLate)
    try {
      const server = await bench.serve({ tls, subprotocols: ['chat'] })
      const client = bench.dial(portOf(server), { ca: tls.cert, checkServerIdentity: bench.fail }, 'wss', 'localhost')!
      const [error] = await within(once(client, 'error'), 'the error')
      // A promise of an Error is no answer; what it says is not waited for.
      expect(error, name).toBeInstanceOf(Error)
      expect((await within(client.closed, 'the end')).cause).toBe('handshake-failed')
    } finally {
      await bench.end()
    }
    expect(bench.fatal, name).toEqual([])
  }
})

it('one that finds nothing wrong admits', async () => {
  const bench = new HookBench(() => undefined, false)
  const server = await bench.serve({ tls, subprotocols: ['chat'] })
  const client = bench.dial(portOf(server), { ca: tls.cert, checkServerIdentity: () => undefined }, 'wss', 'localhost')!
  await within(once(client, 'open'), 'open')
  await bench.end()
})
