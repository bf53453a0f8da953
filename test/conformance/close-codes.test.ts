import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClose } from '../support/client-frames.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { exchange, inParallel, inWords, WireServer } from './wire.ts'

/** Every class of status code that the RFC tells apart, with the rule that the ones which are refused break; null: taken. */
const CLASSES: ReadonlyArray<{ from: number; to: number; rule: string | null; ids: string }> = [
  { from: 0, to: 999, rule: '6455-7.4.2-1', ids: '[6455-7.4.2-1]' },
  { from: 1000, to: 1003, rule: null, ids: '[6455-7.4.1-1] [6455-5.5.1-7]' },
  { from: 1004, to: 1004, rule: '6455-7.4.1-9', ids: '[6455-7.4.1-9]' },
  { from: 1005, to: 1005, rule: '6455-7.4.1-3', ids: '[6455-7.4.1-3]' },
  { from: 1006, to: 1006, rule: '6455-7.4.1-4', ids: '[6455-7.4.1-4]' },
  { from: 1007, to: 1014, rule: null, ids: '[6455-7.4.1-1] [6455-5.5.1-7]' },
  { from: 1015, to: 1015, rule: '6455-7.4.1-6', ids: '[6455-7.4.1-6]' },
  { from: 1016, to: 2999, rule: '6455-7.4.2-2', ids: '[6455-7.4.2-2]' },
  { from: 3000, to: 3999, rule: null, ids: '[6455-7.4.2-3] [6455-5.5.1-7]' },
  { from: 4000, to: 4999, rule: null, ids: '[6455-7.4.2-4] [6455-5.5.1-7]' },
  { from: 5000, to: 65_535, rule: '6455-7.4.2-4', ids: '[6455-7.4.2-4]' },
]

let server: WireServer

beforeAll(async () => {
  server = await WireServer.start()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

function range(from: number, to: number, step = 1): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
}

describe.each(CLASSES)('status codes from $from to $to', ({ from, to, rule, ids }) => {
  const answerTo = (code: number): string => (rule === null ? `close ${code} ""` : `close 1002 ${rule}`)

  it(`are ${rule === null ? 'echoed' : 'refused'}, all of them, by the connection ${ids}`, () => {
    for (const code of range(from, to)) {
      const endpoint = new Endpoint('server')
      endpoint.receive(clientClose(code))
      const sent = inWords(endpoint.takeBytes())
      // `expect` for each of 65,536 codes would take longer than all the rest.
      if (sent.length !== 1 || sent[0] !== answerTo(code))
        expect({ code, sent }).toEqual({ code, sent: [answerTo(code)] })
      if (endpoint.connection.closeCode !== (rule === null ? code : 1006)) {
        expect({ code, closeCode: endpoint.connection.closeCode }).toEqual({
          code,
          closeCode: rule === null ? code : 1006,
        })
      }
    }
  })

  it(`are ${rule === null ? 'echoed' : 'refused'} over TCP, the ends of the class and a sample, with a reason too ${ids}`, async () => {
    const step = Math.max(1, Math.floor((to - from) / 60))
    const sample = new Set([...range(from, Math.min(from + 2, to)), ...range(from, to, step), to - 1, to])
    sample.delete(from - 1)
    await inParallel(sample, async (code) => {
      for (const reason of ['', 'going home']) {
        const { bytes, ended } = await exchange(server.port, [clientClose(code, reason)])
        expect({ code, ended, answer: inWords(bytes) }).toEqual({ code, ended: 'end', answer: [answerTo(code)] })
      }
    })
  })
})

it('the classes cover every status code once', () => {
  expect(CLASSES.flatMap(({ from, to }) => range(from, to))).toEqual(range(0, 65_535))
})
