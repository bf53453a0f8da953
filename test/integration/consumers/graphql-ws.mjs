// graphql-ws: a query, a subscription that ends, one that the client ends, a refused connection.
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { createClient } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import WebSocket, { WebSocketServer } from 'ws'
import { check, run, within } from './report.mjs'

const fields = { hello: { type: GraphQLString, resolve: () => 'world' } }
const greetings = {
  type: GraphQLString,
  async *subscribe() {
    for (const greetings of ['Hi', 'Bonjour', 'Hola']) yield { greetings }
  },
}
let ended = false
const endless = {
  type: GraphQLString,
  async *subscribe() {
    try {
      for (let i = 0; ; i++) {
        yield { endless: String(i) }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    } finally {
      ended = true
    }
  },
}
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields }),
  subscription: new GraphQLObjectType({ name: 'Subscription', fields: { greetings, endless } }),
})

run(async () => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/graphql' })
  const disposable = useServer({ schema, onConnect: ({ connectionParams }) => connectionParams?.token !== 'bad' }, wss)
  await within(new Promise((resolve) => wss.once('listening', resolve)), 'the server')
  const url = `ws://127.0.0.1:${wss.address().port}/graphql`
  const client = createClient({ url, webSocketImpl: WebSocket, keepAlive: 20 })
  const collect = async (query, limit = 99) => {
    const results = []
    for await (const { data } of client.iterate({ query })) {
      results.push(Object.values(data)[0])
      if (results.length === limit) break
    }
    return results
  }
  check((await within(collect('{ hello }'), 'the query'))[0] === 'world', 'query')
  const all = await within(collect('subscription { greetings }'), 'the subscription')
  check(all.join() === 'Hi,Bonjour,Hola', 'subscription to its end')
  await within(collect('subscription { endless }', 4), 'the endless subscription')
  await within(
    (async () => {
      while (!ended) await new Promise((resolve) => setTimeout(resolve, 5))
    })(),
    'the server to hear of the end',
  )
  check(ended, 'subscription that the client ends')
  const bad = createClient({ url, webSocketImpl: WebSocket, connectionParams: { token: 'bad' }, retryAttempts: 0 })
  const refused = new Promise((resolve) =>
    bad.subscribe({ query: '{ hello }' }, { next() {}, error: resolve, complete() {} }),
  )
  check((await within(refused, 'the refusal')).code === 4403, 'refused connection closes with 4403')
  await client.dispose()
  await within(disposable.dispose(), 'the server to close')
  check(true, 'close of the server')
})
