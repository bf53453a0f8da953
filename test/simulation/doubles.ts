/*
 * Broken pieces. Each takes the place of a piece of the connection, its driver or its clock, and each is a fault that
 * somebody could write into `src/`; the simulation has to find it. They are put in from outside: methods of one object are
 * covered by others, options are not what the run is held against.
 */
import type { Connection } from '../../src/protocol/connection.ts'
import { PendingHandshake } from '../../src/server/pending-handshake.ts'
import { type SocketEventHandler, SocketEventTarget } from '../../src/socket/event-target.ts'
import type { SocketDriver } from '../../src/socket/socket-driver.ts'
import { SimulatedClock } from './clock.ts'
import type { End } from './end.ts'
import { Invariant } from './invariants.ts'
import type { Profile } from './profile.ts'
import type { Doubles } from './simulate.ts'

/** A fault, and the invariants of which one must be found broken. */
export interface Broken {
  readonly name: string
  readonly breaks: readonly Invariant[]
  readonly doubles: Doubles
}

/** Covers a method of one connection; `original` is the method. */
function cover<Target extends object, Key extends keyof Target>(
  target: Target,
  key: Key,
  instead: (original: Target[Key]) => Target[Key],
): void {
  const method = target[key] as (...args: unknown[]) => unknown
  target[key] = instead(method.bind(target) as Target[Key])
}

/** Covers a property that is only read. */
function say<Target extends object, Key extends keyof Target>(target: Target, key: Key, get: () => Target[Key]): void {
  Object.defineProperty(target, key, { get })
}

/** A fault of the connection or the driver of the server; the client is whole. */
function broken(
  name: string,
  breaks: readonly Invariant[],
  meddle: (connection: Connection, driver: SocketDriver, end: End) => void,
): Broken {
  return {
    name,
    breaks,
    doubles: {
      meddle: (end) => {
        if (end.role === 'server') meddle(end.driver.connection, end.driver, end)
      },
    },
  }
}

/** A limit that the server does not get, although it is held against it. */
function ignored(name: string, breaks: readonly Invariant[], options: Partial<Profile['options']>): Broken {
  return {
    name,
    breaks,
    doubles: {
      given: (profile, role) =>
        role === 'server' ? { ...profile, options: { ...profile.options, ...options } } : profile,
    },
  }
}

/** A fault of every opening handshake: a method of all of them is another one. */
function unadmitted<Key extends keyof PendingHandshake<unknown>>(
  name: string,
  breaks: readonly Invariant[],
  key: Key,
  instead: (original: PendingHandshake<unknown>[Key]) => PendingHandshake<unknown>[Key],
): Broken {
  const beforeAdmission = (): (() => void) => {
    const { prototype } = PendingHandshake
    const original = prototype[key]
    prototype[key] = instead(original)
    return () => {
      prototype[key] = original
    }
  }
  return { name, breaks, doubles: { beforeAdmission } }
}

/** What both ends get lies in the same memory. */
function sharedMemory(): Doubles {
  let pool = new Uint8Array(0)
  let at = 0
  return {
    meddle: (end) => {
      if (end.role === 'server') pool = new Uint8Array(0)
      cover(end.driver.connection, 'keep', () => (bytes, from, to) => {
        const length = to - from
        if (pool.length - at < length) {
          pool = new Uint8Array(Math.max(8 << 10, length))
          at = 0
        }
        const copy = new Uint8Array(pool.buffer, at, length)
        copy.set(bytes.subarray(from, to))
        at += length
        return copy
      })
    },
  }
}

class ClockThatStopsNothing extends SimulatedClock {
  override clearTimeout(): void {}
}

class ClockThatForgets extends SimulatedClock {
  #count = 0

  override setTimeout(callback: () => void, ms: number): unknown {
    this.#count += 1
    return this.#count % 3 === 0 ? undefined : super.setTimeout(callback, ms)
  }
}

class ClockThatIsEarly extends SimulatedClock {
  override setTimeout(callback: () => void, ms: number): unknown {
    return super.setTimeout(callback, ms / 2)
  }
}

const { Order, Loss, Controls, Callbacks, Silence, Drain, End: Ended, Codes, Cause, Crash, Health } = Invariant
const { Kept, Limits, Listeners, Pairs, Retained, Wire } = Invariant

export const BROKEN: readonly Broken[] = [
  broken('loses a message', [Order, Loss], (connection) => {
    let count = 0
    cover(connection, 'sendMessage', (send) => (...args) => {
      count += 1
      if (count !== 3) send(...args)
    })
  }),
  broken('sends a message twice', [Order], (connection) => {
    let count = 0
    cover(connection, 'sendMessage', (send) => (...args) => {
      count += 1
      send(...args)
      if (count === 3) send(...args)
    })
  }),
  broken('swaps two messages', [Order, Loss], (connection) => {
    let held: Parameters<Connection['sendMessage']> | null = null
    let count = 0
    cover(connection, 'sendMessage', (send) => (...args) => {
      count += 1
      if (count === 2) held = args
      else send(...args)
      if (count === 3 && held !== null) send(...held)
    })
  }),
  broken('changes a message', [Order], (connection) => {
    cover(connection, 'sendMessage', (send) => (payload, ...rest) => {
      send(typeof payload === 'string' ? payload.replace('1', '2') : payload, ...rest)
    })
  }),
  broken('loses a chunk that it read', [Order, Loss, Cause, Controls, Pairs], (connection) => {
    let count = 0
    cover(connection, 'receive', (receive) => (...args) => {
      count += 1
      if (count !== 4) receive(...args)
    })
  }),
  broken('hands on no more than four messages', [Loss], (connection) => {
    let count = 0
    cover(connection, 'message', (message) => (...args) => {
      count += 1
      if (count <= 4) message(...args)
    })
  }),
  broken('frees memory that the transport still reads', [Wire, Order, Cause], (connection) => {
    cover(connection, 'outputWritten', (written) => () => written(true))
  }),
  broken('does not answer a part of the pings', [Controls], (connection) => {
    let count = 0
    cover(connection, 'controlFrame', (frame) => (opcode, ...args) => {
      if (opcode === 9) count += 1
      if (opcode !== 9 || count % 3 !== 0) frame(opcode, ...args)
    })
  }),
  broken('answers pings twice', [Controls, Wire], (_connection, _driver, { ws }) => {
    ws.on('ping', (data) => ws.pong(data))
  }),
  broken('calls nobody back', [Callbacks], (_connection, driver) => {
    cover(driver, 'sent', (sent) => () => sent(undefined))
  }),
  broken('calls back twice', [Callbacks], (_connection, driver) => {
    cover(driver, 'addCallback', (add) => (callback) => {
      add(callback)
      add(callback)
    })
  }),
  broken('delivers while paused', [Silence], (connection, _driver, { ws }) => {
    cover(connection, 'message', (message) => (isBinary, bytes, start, end, ...rest) => {
      if (ws.isPaused) ws.emit('message', Buffer.from(bytes.subarray(start, end)), isBinary)
      else message(isBinary, bytes, start, end, ...rest)
    })
  }),
  broken('never says that it has drained', [Drain, Loss, Callbacks], (_connection, driver) => {
    cover(driver, 'expectDrain', () => () => {})
  }),
  broken('reads on when nobody takes what it read', [Limits], (connection) => {
    say(connection, 'wantsBytes', () => true)
  }),
  broken('tells the end twice', [Ended], (_connection, _driver, { ws }) => {
    cover(ws, 'emit', (emit) => (event, ...args) => {
      if (event === 'close') emit(event, ...args)
      return emit(event, ...args)
    })
  }),
  broken('never closes what a peer has closed', [Ended], (_connection, driver) => {
    cover(driver, 'transportClosed', () => () => {})
  }),
  broken('tells a wrong close code', [Codes], (connection) => {
    const { closeCode } = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(connection))
    say(connection, 'closeCode', () => {
      const code = closeCode!.get!.call(connection) as number
      return code === 1001 ? 1000 : code
    })
  }),
  broken('tells of a code that it did not send', [Codes], (connection) => {
    say(connection, 'sentCloseCode', () => 1000)
  }),
  broken('calls every end clean', [Codes, Pairs], (connection) => {
    say(connection, 'closeReceived', () => true)
  }),
  broken('takes its own close for the peer’s', [Pairs], (connection, driver) => {
    cover(driver, 'close', () => (...args) => {
      connection.close(...args)
      driver.sent(undefined)
    })
  }),
  broken('blames the peer for its own handler', [Cause, Crash, Codes], (_connection, driver) => {
    cover(driver, 'fail', (fail) => (violation) => fail(violation, 'rate-limit'))
  }),
  broken('goes on after a handler has crashed', [Crash], (_connection, driver) => {
    cover(driver, 'fail', (fail) => (violation, cause) => {
      if (cause !== 'handler-error') fail(violation, cause)
    })
  }),
  broken('does not end its half of the transport', [Health, Cause], (_connection, { socket }) => {
    cover(socket, 'end', () => () => socket)
  }),
  broken('sends a ping behind its Close frame', [Wire], (connection, driver, { socket }) => {
    cover(driver, 'close', (close) => (...args) => {
      close(...args)
      driver.flush()
      if (connection.sentCloseCode !== 0 && socket.writable) socket.write(Uint8Array.of(0x89, 0))
    })
  }),
  broken('keeps what it has received', [Retained, Ended, Crash], (connection) => {
    cover(connection, 'transportClosed', () => () => {})
    cover(connection, 'fail', () => () => {})
  }),
  broken('is watched for ever', [Retained], (_connection, _driver, { heartbeat }) => {
    cover(heartbeat, 'remove', () => () => {})
  }),
  { name: 'gives all connections the same memory', breaks: [Kept, Order, Cause], doubles: sharedMemory() },
  broken('removes no listener of addEventListener', [Listeners], (_connection, _driver, { ws }) => {
    cover(ws, 'removeEventListener', () => () => {})
  }),
  broken('does not take an on… attribute away', [Listeners], (_connection, _driver, { ws }) => {
    const onclose = Object.getOwnPropertyDescriptor(SocketEventTarget.prototype, 'onclose')
    const set = (handler: SocketEventHandler<'close'>): void => {
      if (handler !== null) onclose?.set?.call(ws, handler)
    }
    Object.defineProperty(ws, 'onclose', { ...onclose, set })
  }),
  broken('adds the same listener twice', [Listeners], (_connection, _driver, { ws }) => {
    cover(ws, 'addEventListener', () => (type, listener) => {
      if (typeof listener === 'function') ws.on(type, listener as () => void)
    })
  }),
  broken('reads nothing more when nobody listens', [Health, Controls, Codes, Cause], (_connection, driver) => {
    cover(driver, 'hold', () => () => driver.pause())
  }),
  unadmitted(
    'does not look at what became of a transport before it was given one',
    [Ended, Retained],
    'checkTransport',
    (check) =>
      function (this: PendingHandshake<unknown>) {
        const { socket } = this
        if (socket.readable && socket.writable) check.call(this)
      },
  ),
  unadmitted('does not see the end of a client that waits to be admitted', [Ended], 'receiveEnd', () => () => {}),
  ignored('ignores maxPayload', [Limits], { maxPayload: Number.POSITIVE_INFINITY }),
  ignored('ignores maxBackpressure', [Limits], { maxBackpressure: Number.POSITIVE_INFINITY }),
  ignored('ignores highWaterMark', [Drain], { highWaterMark: Number.POSITIVE_INFINITY }),
  ignored('is impatient', [Cause], { closeTimeout: 100 }),
  { name: 'a clock that stops no timer', breaks: [Retained], doubles: { Clock: ClockThatStopsNothing } },
  { name: 'a clock that forgets timers', breaks: [Ended, Loss], doubles: { Clock: ClockThatForgets } },
  { name: 'a clock that is early', breaks: [Cause], doubles: { Clock: ClockThatIsEarly } },
]
