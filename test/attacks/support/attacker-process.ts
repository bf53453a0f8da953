/*
 * Many peers in a process of their own: they shall not keep the test from measuring what the others notice of them.
 * They read nothing but the answer to their request.
 */

import { connect, type Socket } from 'node:net'
import { answerRequests } from './answer-requests.ts'

/** What a test asks for, and gets an answer when it is done. */
export type Order =
  /** Opens connections, which send `first` at once; with `upgrade` that is an opening handshake and is answered. */
  | {
      readonly do: 'open'
      readonly port: number
      readonly count: number
      readonly first: string
      readonly isUpgrade: boolean
    }
  /** Sends bytes, given as latin1, on each open connection. */
  | { readonly do: 'send'; readonly bytes: string }
  /** Breaks all connections at once. Answered with the milliseconds it took. */
  | { readonly do: 'reset' }
  /** Opens connections, says `first`, waits for the answer or not, and breaks each at once. */
  | {
      readonly do: 'strike'
      readonly port: number
      readonly count: number
      readonly first: string
      readonly isAnswered: boolean
    }
  /** Opens connections, says `first` and then `last` when there is an answer, reads to the end; `count` times. */
  | {
      readonly do: 'churn'
      readonly port: number
      readonly count: number
      readonly first: string
      readonly last: string
    }
  /** Sends the same bytes on all open connections for ever, as fast as they are taken, and reads all answers. */
  | { readonly do: 'flood'; readonly bytes: string }

/** How many open, or come and go, at the same time. */
const AT_ONCE = 100

const open: Socket[] = []

function dial(port: number, first: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', reject)
    socket.once('connect', () => {
      socket.write(first, 'latin1')
      resolve(socket)
    })
  })
}

/** The answer to an opening handshake. It is short, and nothing is behind it before we send something. */
function answer(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => {
      socket.pause()
      if (chunk.toString('latin1').startsWith('HTTP/1.1 101 ')) resolve()
      else reject(new Error(chunk.toString('latin1')))
    })
    socket.once('close', () => reject(new Error('closed instead of an answer')))
  })
}

async function times(count: number, work: () => Promise<void>): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function comeAndGo(port: number, first: string, last: string): Promise<void> {
  const socket = await dial(port, first)
  await answer(socket)
  socket.write(last, 'latin1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  await closed
}

async function strike(port: number, first: string, isAnswered: boolean): Promise<void> {
  const socket = await dial(port, first)
  const isOver = new Promise((resolve) => socket.once('close', resolve))
  if (isAnswered) await answer(socket)
  socket.resetAndDestroy()
  await isOver
}

function flood(socket: Socket, bytes: Buffer): void {
  socket.resume()
  const write = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', write)
  write()
}

async function follow(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      await times(order.count, async () => {
        const socket = await dial(order.port, order.first)
        if (order.isUpgrade) await answer(socket)
        // A server may end them as it likes.
        socket.on('error', () => {})
        open.push(socket)
      })
      return null
    case 'send':
      await Promise.all(open.map((socket) => new Promise((resolve) => socket.write(order.bytes, 'latin1', resolve))))
      return null
    case 'reset': {
      const start = performance.now()
      for (const socket of open.splice(0)) socket.resetAndDestroy()
      return performance.now() - start
    }
    case 'strike':
      return times(order.count, () => strike(order.port, order.first, order.isAnswered))
    case 'churn':
      return times(order.count, () => comeAndGo(order.port, order.first, order.last))
    case 'flood':
      for (const socket of open) flood(socket, Buffer.from(order.bytes, 'latin1'))
      return null
  }
}

answerRequests(follow)
