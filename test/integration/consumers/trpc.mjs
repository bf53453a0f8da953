// tRPC's ws adapter: query, mutation, subscription, reconnection after the server broadcasts that it goes.
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import WebSocket, { WebSocketServer } from 'ws'
import { check, run, within } from './report.mjs'

run(async () => {
  const t = initTRPC.create()
  const router = t.router({
    greet: t.procedure.input((value) => String(value)).query(({ input }) => `hello ${input}`),
    add: t.procedure.input((value) => value).mutation(({ input }) => input.a + input.b),
    count: t.procedure.subscription(async function* ({ signal }) {
      for (let i = 0; !signal.aborted; i++) {
        yield i
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }),
  })
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await within(new Promise((resolve) => wss.once('listening', resolve)), 'the server')
  const handler = applyWSSHandler({
    wss,
    router,
    createContext: () => ({}),
    keepAlive: { enabled: true, pingMs: 30, pongWaitMs: 5000 },
  })
  let opened = 0
  const wsClient = createWSClient({
    url: `ws://127.0.0.1:${wss.address().port}`,
    WebSocket,
    retryDelayMs: () => 10,
    onOpen: () => opened++,
  })
  const client = createTRPCClient({ links: [wsLink({ client: wsClient })] })
  check((await within(client.greet.query('ada'), 'the query')) === 'hello ada', 'query')
  check((await within(client.add.mutate({ a: 2, b: 3 }), 'the mutation')) === 5, 'mutation')
  const counted = () =>
    new Promise((resolve, reject) => {
      const numbers = []
      const subscription = client.count.subscribe(undefined, {
        onData: (n) => {
          numbers.push(n)
          if (numbers.length < 3) return
          subscription.unsubscribe()
          resolve(numbers)
        },
        onError: reject,
      })
    })
  check((await within(counted(), 'the subscription')).join() === '0,1,2', 'subscription, ended by the client')
  handler.broadcastReconnectNotification()
  await within(
    (async () => {
      while (opened < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    })(),
    'the reconnection',
  )
  check((await within(client.greet.query('bob'), 'the query')) === 'hello bob', 'query after a reconnection')
  await wsClient.close()
  await within(new Promise((resolve) => wss.close(resolve)), 'the server to close')
  check(true, 'close of the server')
})
