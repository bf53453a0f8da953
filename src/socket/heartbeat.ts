import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'

/** When a silent connection is asked whether it is alive, and when it is given up. */
export interface HeartbeatOptions {
  /** Milliseconds of silence after which a Ping is sent. Default 20,000, as in python-websockets. */
  readonly idleMs: number
  /** Milliseconds after that Ping within which any byte must come. Default 20,000. */
  readonly timeoutMs: number
}

/**
 * What a {@link Heartbeat} needs to know of a connection.
 *
 * Perf: `npm run bench -- memory`; it keeps its own pulse, in whole milliseconds, so that no record is made for each.
 */
export interface Patient {
  /** Since when nothing has come; the heartbeat's own. */
  silentSince: number
  /** When the open question was asked, -1 when none is; the heartbeat's own. */
  askedAt: number
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
  readonly #patients = new Set<Patient>()
  #next: Deadline | null = null

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
    const now = Math.floor(this.#clock.now())
    patient.silentSince = now
    patient.askedAt = -1
    this.#patients.add(patient)
    if (this.#next === null) this.#schedule()
  }

  remove(patient: Patient): void {
    this.#patients.delete(patient)
    if (this.#patients.size === 0) {
      this.#next?.cancel()
      this.#next = null
    }
  }

  #schedule(): void {
    this.#next = new Deadline(this.#clock, this.#beatMs, (lateMs) => this.#beat(lateMs > this.#beatMs * 2))
  }

  #beat(late: boolean): void {
    const now = Math.floor(this.#clock.now())
    this.#next = null
    for (const patient of this.#patients) {
      patient.beat(now)
      if (this.#options !== null) this.#check(this.#options, patient, now, late)
    }
    if (this.#patients.size > 0) this.#schedule()
  }

  #check(options: HeartbeatOptions, patient: Patient, now: number, late: boolean): void {
    if (patient.takeHeard() || late) {
      patient.silentSince = now
      patient.askedAt = -1
    } else if (patient.isDeaf) {
      // We would not hear the answer, but a transport that broke is only noticed by writing to it.
      patient.askedAt = -1
      if (now - patient.silentSince >= options.idleMs && patient.probe(now)) patient.silentSince = now
    } else if (patient.askedAt >= 0) {
      if (now - patient.askedAt >= options.timeoutMs) patient.giveUp()
      // @req 6455-5.5.2-4
    } else if (now - patient.silentSince >= options.idleMs && patient.probe(now)) patient.askedAt = now
  }
}
