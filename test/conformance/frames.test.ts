import { afterAll, beforeAll, describe, it } from 'vitest'
import { closeCases, controlCases, faultCases, fragmentCases } from './frame-rules.ts'
import { playCase, titleOf, WireServer } from './wire.ts'

let server: WireServer

beforeAll(async () => {
  server = await WireServer.start()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

describe.each([
  { name: 'frames that break a rule', cases: faultCases },
  { name: 'pings and pongs', cases: controlCases },
  { name: 'fragments', cases: fragmentCases },
  { name: 'the closing handshake', cases: closeCases },
])('over TCP, $name:', ({ cases }) => {
  for (const wireCase of cases) it(titleOf(wireCase), () => playCase(server.port, wireCase))
})
