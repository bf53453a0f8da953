import type { Clock } from './clock.ts'

/** When a silent connection is asked whether it is alive, and when it is given up. */
export interface HeartbeatOptions {
  /** Milliseconds of silence after which a Ping is sent. Default 20,000, as in python-websockets. */
  readonly idleMs: number
  /** Milliseconds after that Ping within which any byte must come. Default 20,000. */
  readonly timeoutMs: number
}

/** What a {@link Heartbeat} needs to know of a connection. */
export interface Patient {
  /** Whether bytes came since the last call. Any byte counts as life. */
  takeHeard(): boolean
  /** Whether we ourselves do not read at the moment: then silence says nothing. */
  readonly isDeaf: boolean
  /** Sends a Ping; false when the connection can take none. */
  probe(now: number): boolean
  /** The peer is dead. */
  giveUp(): void
  /** Called at each beat, for other slow clocks. */
  beat(now: number): void
}

interface Pulse {
  silentSince: number
  /** When the open question was asked; -1 when none is. */
  askedAt: number
}

/**
 * Watches many connections with one timer, RFC 6455 §5.5.2-§5.5.3.
 *
 * A read only sets a flag; the clock is looked at once per beat. After a beat that comes much too late (a suspended
 * process, a blocked event loop) the time that passed is not held against the peers.
 */
export class Heartbeat {
  readonly #clock: Clock
  readonly #options: HeartbeatOptions | null
  readonly #beatMs: number
  readonly #patients = new Map<Patient, Pulse>()
  #timer: unknown
  #lastBeat = 0

  /** @param options - null: no Pings, only `beat` is called */
  constructor(clock: Clock, options: HeartbeatOptions | null) {
    this.#clock = clock
    this.#options = options
    const shortest = options === null ? Number.POSITIVE_INFINITY : Math.min(options.idleMs, options.timeoutMs)
    this.#beatMs = Math.max(1, Math.min(1000, shortest / 4))
  }

  /** Connections under watch. */
  get size(): number {
    return this.#patients.size
  }

  add(patient: Patient): void {
    const now = this.#clock.now()
    this.#patients.set(patient, { silentSince: now, askedAt: -1 })
    if (this.#timer === undefined) this.#schedule(now)
  }

  remove(patient: Patient): void {
    this.#patients.delete(patient)
    if (this.#patients.size === 0) {
      this.#clock.clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  #schedule(now: number): void {
    this.#lastBeat = now
    this.#timer = this.#clock.setTimeout(() => this.#beat(), this.#beatMs)
  }

  #beat(): void {
    const now = this.#clock.now()
    const late = now - this.#lastBeat > this.#beatMs * 3
    this.#timer = undefined
    for (const [patient, pulse] of this.#patients) {
      patient.beat(now)
      if (this.#options !== null) this.#check(this.#options, patient, pulse, now, late)
    }
    if (this.#patients.size > 0) this.#schedule(now)
  }

  #check(options: HeartbeatOptions, patient: Patient, pulse: Pulse, now: number, late: boolean): void {
    if (patient.takeHeard() || late) {
      pulse.silentSince = now
      pulse.askedAt = -1
    } else if (patient.isDeaf) {
      // We would not hear the answer, but a transport that broke is only noticed by writing to it.
      pulse.askedAt = -1
      if (now - pulse.silentSince >= options.idleMs && patient.probe(now)) pulse.silentSince = now
    } else if (pulse.askedAt >= 0) {
      if (now - pulse.askedAt >= options.timeoutMs) patient.giveUp()
      // @req 6455-5.5.2-4
    } else if (now - pulse.silentSince >= options.idleMs && patient.probe(now)) pulse.askedAt = now
  }
}
