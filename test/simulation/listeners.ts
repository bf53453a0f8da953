import type { WebSocket } from '../../src/socket/websocket.ts'
import type { Random } from '../fuzz/mutate.ts'
import { Invariant, must } from './invariants.ts'

type Hear = () => void

/** Events that an application may listen to in passing, beside whoever takes the messages. */
export type Heard = 'close' | 'error' | 'message'

/** A way to listen. */
interface Door {
  /** Whether it is for one event only. */
  readonly isOnce?: boolean
  /** Whether there is one place, so that a second listener replaces the first. */
  readonly isPlace?: boolean
  add(ws: WebSocket, event: Heard, hear: Hear): void
  remove(ws: WebSocket, event: Heard, hear: Hear): void
}

/** Every way that a connection has. */
const DOORS: readonly Door[] = [
  { add: (ws, event, hear) => ws.on(event, hear), remove: (ws, event, hear) => ws.off(event, hear) },
  { isOnce: true, add: (ws, event, hear) => ws.once(event, hear), remove: (ws, event, hear) => ws.off(event, hear) },
  {
    add: (ws, event, hear) => ws.addListener(event, hear),
    remove: (ws, event, hear) => ws.removeListener(event, hear),
  },
  { add: (ws, event, hear) => ws.prependListener(event, hear), remove: (ws, event, hear) => ws.off(event, hear) },
  {
    isOnce: true,
    add: (ws, event, hear) => ws.prependOnceListener(event, hear),
    remove: (ws, event, hear) => ws.off(event, hear),
  },
  {
    add: (ws, event, hear) => {
      ws.addEventListener(event, hear)
      // As in browsers: the same one once more is none more.
      ws.addEventListener(event, hear)
    },
    remove: (ws, event, hear) => ws.removeEventListener(event, hear),
  },
  {
    isOnce: true,
    add: (ws, event, hear) => ws.addEventListener(event, hear, { once: true }),
    remove: (ws, event, hear) => ws.removeEventListener(event, hear),
  },
  {
    isPlace: true,
    add: (ws, event, hear) => setAttribute(ws, event, hear),
    remove: (ws, event) => setAttribute(ws, event, null),
  },
]

function setAttribute(ws: WebSocket, event: Heard, hear: Hear | null): void {
  if (event === 'close') ws.onclose = hear
  else if (event === 'error') ws.onerror = hear
  else ws.onmessage = hear
}

/** A listener that was added. */
interface Present {
  readonly event: Heard
  readonly door: Door
  readonly hear: Hear
  /** How often its event had been told when it was added. */
  readonly from: number
  calls: number
  isRemoved: boolean
}

/** Listeners of one connection that come and go, and what they hear. */
export class PassingListeners {
  readonly #ws: WebSocket
  readonly #events: readonly Heard[]
  /** How often an event was told, as those know who always listen. */
  readonly #told: (event: Heard) => number
  #present: Present[] = []
  /** How many listeners of the application there are besides. */
  readonly #others: ReadonlyMap<Heard, number>
  #fault: string | null = null

  constructor(ws: WebSocket, events: readonly Heard[], told: (event: Heard) => number) {
    this.#ws = ws
    this.#events = events
    this.#told = told
    this.#others = new Map(events.map((event) => [event, ws.listenerCount(event)]))
  }

  add(random: Random): void {
    const event = random.pick(this.#events)
    const door = random.pick(DOORS)
    const present: Present = {
      event,
      door,
      hear: () => {
        present.calls += 1
        if (present.isRemoved) this.#fault ??= `a listener of ${event} was removed and is called`
        if (door.isOnce === true && present.calls > 1) this.#fault ??= `a listener of one ${event} is called twice`
      },
      from: this.#told(event),
      calls: 0,
      isRemoved: false,
    }
    if (door.isPlace === true) {
      const before = this.#present.find((other) => other.door === door && other.event === event)
      if (before !== undefined) this.#forget(before)
    }
    door.add(this.#ws, event, present.hear)
    this.#present.push(present)
  }

  remove(random: Random): void {
    if (this.#present.length === 0) return
    const present = random.pick(this.#present)
    present.door.remove(this.#ws, present.event, present.hear)
    this.#forget(present)
  }

  removeAll(random: Random): void {
    while (this.#present.length > 0) this.remove(random)
  }

  /** @param isWhole - whether no handler has crashed, so that all listeners of an event hear it */
  check(isWhole: boolean): void {
    must(this.#fault === null, Invariant.Listeners, () => this.#fault ?? '')
    for (const { event, door, from, calls } of this.#present) {
      const told = this.#told(event) - from
      const due = door.isOnce === true ? Math.min(told, 1) : told
      must(!isWhole || calls === due, Invariant.Listeners, () => `a listener of ${event} heard ${calls} of ${due}`)
    }
    if (this.#present.length > 0) return
    for (const event of this.#events) {
      const left = this.#ws.listenerCount(event) - (this.#others.get(event) ?? 0)
      must(left === 0, Invariant.Listeners, () => `${left} listeners of ${event} are left`)
    }
  }

  #forget(present: Present): void {
    present.isRemoved = true
    this.#present = this.#present.filter((other) => other !== present)
  }
}
