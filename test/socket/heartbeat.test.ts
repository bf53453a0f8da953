import { describe, expect, it } from 'vitest'
import { Heartbeat, type Patient } from '../../src/socket/heartbeat.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { settle } from '../support/memory-transport.ts'

class RecordingPatient implements Patient {
  silentSince = 0
  askedAt = -1
  readonly log: string[] = []
  isDeaf = false
  heard = false
  canTake = true
  beats = 0

  takeHeard(): boolean {
    const { heard } = this
    this.heard = false
    return heard
  }

  probe(now: number): boolean {
    if (this.canTake) this.log.push(`probe ${now}`)
    return this.canTake
  }

  giveUp(): void {
    this.log.push('giveUp')
  }

  beat(): void {
    this.beats += 1
  }
}

function watch(options: { idleMs: number; timeoutMs: number } | null = { idleMs: 20_000, timeoutMs: 20_000 }) {
  const clock = new FakeClock()
  const heartbeat = new Heartbeat(clock, options)
  const patient = new RecordingPatient()
  heartbeat.add(patient)
  return { clock, heartbeat, patient }
}

describe('Heartbeat', () => {
  it('sends a Ping after the idle time and not before [6455-5.5.2-4]', () => {
    const { clock, patient } = watch()
    clock.advance(19_000)
    expect(patient.log).toEqual([])
    clock.advance(1000)
    expect(patient.log).toEqual(['probe 20000'])
  })

  it('gives up when nothing comes within the timeout after the Ping, and not before', () => {
    const { clock, patient } = watch()
    clock.advance(39_000)
    expect(patient.log).toEqual(['probe 20000'])
    clock.advance(1000)
    expect(patient.log).toEqual(['probe 20000', 'giveUp'])
  })

  it('takes any byte as a sign of life, before the Ping and after it', () => {
    const { clock, patient } = watch()
    clock.advance(15_000)
    patient.heard = true
    clock.advance(20_000)
    expect(patient.log).toEqual([])
    clock.advance(1000)
    expect(patient.log).toEqual(['probe 36000'])
    clock.advance(19_000)
    patient.heard = true
    clock.advance(20_000)
    expect(patient.log).toEqual(['probe 36000'])
  })

  it('does not hold silence against a peer while we do not read', () => {
    const { clock, patient } = watch()
    patient.isDeaf = true
    clock.advance(600_000)
    expect(patient.log).not.toContain('giveUp')
    patient.log.length = 0
    patient.isDeaf = false
    clock.advance(19_000)
    expect(patient.log).toEqual([])
    clock.advance(1000)
    expect(patient.log).toEqual(['probe 620000'])
  })

  it('goes on to send Pings while we do not read, since only a write finds out that the transport broke', () => {
    const { clock, patient } = watch()
    patient.isDeaf = true
    clock.advance(60_000)
    expect(patient.log).toEqual(['probe 20000', 'probe 40000', 'probe 60000'])
  })

  it('forgets an open question while we do not read', () => {
    const { clock, patient } = watch()
    clock.advance(21_000)
    patient.isDeaf = true
    clock.advance(100_000)
    patient.isDeaf = false
    clock.advance(20_000)
    expect(patient.log).not.toContain('giveUp')
  })

  it('forgives a peer after a beat that comes much too late', async () => {
    const { clock, patient } = watch()
    clock.advance(25_000)
    clock.jump(3_600_000)
    await settle()
    expect(patient.log).toEqual(['probe 20000'])
    clock.advance(19_000)
    expect(patient.log).toHaveLength(1)
    clock.advance(1000)
    expect(patient.log).toHaveLength(2)
  })

  it('asks again later when the connection can take no Ping', () => {
    const { clock, patient } = watch()
    patient.canTake = false
    clock.advance(60_000)
    expect(patient.log).toEqual([])
    patient.canTake = true
    clock.advance(1000)
    expect(patient.log).toEqual(['probe 61000'])
  })

  it('keeps times shorter than the usual beat', () => {
    const { clock, patient } = watch({ idleMs: 100, timeoutMs: 40 })
    clock.advance(100)
    expect(patient.log).toEqual(['probe 100'])
    clock.advance(40)
    expect(patient.log).toEqual(['probe 100', 'giveUp'])
  })

  it('never asks and never gives up when it is off, and still beats', () => {
    const { clock, patient } = watch(null)
    clock.advance(3_600_000)
    expect(patient.log).toEqual([])
    expect(patient.beats).toBe(3600)
  })

  it('never asks when the idle time is Infinity', () => {
    const { clock, patient } = watch({ idleMs: Number.POSITIVE_INFINITY, timeoutMs: 1000 })
    clock.advance(3_600_000)
    expect(patient.log).toEqual([])
  })

  it('has one timer for all connections, and none without connections', () => {
    const { clock, heartbeat, patient } = watch()
    const second = new RecordingPatient()
    heartbeat.add(second)
    expect([heartbeat.size, clock.pending]).toEqual([2, 1])
    heartbeat.remove(patient)
    expect([heartbeat.size, clock.pending]).toEqual([1, 1])
    heartbeat.remove(second)
    expect([heartbeat.size, clock.pending]).toEqual([0, 0])
    heartbeat.add(second)
    clock.advance(20_000)
    expect([second.log, clock.pending]).toEqual([['probe 20000'], 1])
  })

  it('takes a connection off that goes during a beat, and stops with the last one', () => {
    const { clock, heartbeat, patient } = watch()
    patient.beat = () => heartbeat.remove(patient)
    clock.advance(1000)
    expect([heartbeat.size, clock.pending]).toEqual([0, 0])
  })

  it('counts the silence of each connection from when it was added', () => {
    const { clock, heartbeat, patient } = watch()
    clock.advance(10_000)
    const second = new RecordingPatient()
    heartbeat.add(second)
    clock.advance(10_000)
    expect([patient.log, second.log]).toEqual([['probe 20000'], []])
    clock.advance(10_000)
    expect(second.log).toEqual(['probe 30000'])
  })
})
