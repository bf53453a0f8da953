import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { connectedPair } from '../../src/testing/index.ts'

describe('a signal that is none', () => {
  it.each(['messages', 'streams'] as const)(
    'is refused by %s() at once, and the next iteration gets all',
    async (name) => {
      const { client, server } = connectedPair()
      const wrong = {} as AbortSignal
      expect(() => server[name]({ signal: wrong })).toThrow(UsageError)
      client.send('still taken')
      const { value } = await server.messages().next()
      expect(value?.data).toBe('still taken')
      client.terminate()
    },
  )
})

describe('the option subprotocols', () => {
  it('must be a list', () => {
    const subprotocols = 'chat' as unknown as string[]
    expect(() => new WebSocketServer({ noServer: true, subprotocols })).toThrow(/"chat"/)
  })
})
