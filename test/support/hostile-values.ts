/** Things that somebody may throw, each in wait for whoever looks at it. Made anew for each use. */
export const HOSTILE_VALUES: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'a string': () => 'boom',
  'a number': () => Number.NaN,
  'a symbol': () => Symbol('boom'),
  'an object without a prototype': () => Object.create(null),
  'an object whose toString throws': () => ({ toString: fail, [Symbol.toPrimitive]: fail, toJSON: fail }),
  'an object whose members throw': () => new HostileMembers(),
  'an error whose stack throws': () => Object.defineProperty(new Error('boom'), 'stack', { get: fail }),
  'an error whose name throws': () => Object.defineProperty(new Error('boom'), 'name', { get: fail }),
  'an error whose message throws': () => Object.defineProperty(new Error('boom'), 'message', { get: fail }),
  'an error whose message is a symbol': () => Object.assign(new Error('boom'), { message: Symbol('boom') }),
  'an error whose cause throws': () => Object.defineProperty(new Error('boom'), 'cause', { get: fail }),
  'an error without a stack': () => Object.assign(new Error('boom'), { stack: undefined }),
  'an error that is its own cause': () => {
    const error = new Error('boom')
    return Object.assign(error, { cause: error })
  },
  'a proxy whose traps throw': () => new Proxy(new Error('boom'), HOSTILE_TRAPS),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'a function': () => fail,
}

class HostileMembers {
  get name(): string {
    return fail()
  }
  get message(): string {
    return fail()
  }
  get stack(): string {
    return fail()
  }
  get code(): string {
    return fail()
  }
  get [Symbol.toStringTag](): string {
    return fail()
  }
  get [Symbol.for('nodejs.util.inspect.custom')](): string {
    return fail()
  }
}

const HOSTILE_TRAPS: ProxyHandler<Error> = {
  get: fail,
  set: fail,
  has: fail,
  getPrototypeOf: fail,
  ownKeys: fail,
  getOwnPropertyDescriptor: fail,
}

function fail(): never {
  throw new Error('a hostile value was looked at')
}
