import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { committedSession, FOLDER, filesOf, storyOf } from '../../illustrated/files.ts'
import { explainLink } from '../../illustrated/page/explain-link.ts'
import type { Story } from '../../illustrated/page/story.ts'
import { partProse, why } from '../../illustrated/prose.ts'
import { questions } from '../../illustrated/questions.ts'
import { differences } from '../../illustrated/replay.ts'
import { variantProse } from '../../illustrated/variant-prose.ts'
import { hex, type Session } from '../../src/inspector/index.ts'

const committed = readFileSync(`${FOLDER}index.html`, 'utf8')
const ids = [...committed.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)

describe('docs/illustrated/', () => {
  let story: Story

  beforeAll(async () => {
    story = await storyOf(committedSession())
  })

  it('is what the session and the codec give', async () => {
    for (const [name, content] of await filesOf(committedSession())) {
      expect(
        readFileSync(FOLDER + name).equals(typeof content === 'string' ? Buffer.from(content) : content),
        `${name}: npm run illustrate -- --page`,
      ).toBe(true)
    }
  })

  it('tells what the server says today', async () => {
    expect(await differences(committedSession())).toEqual([])
  })

  it('would be found out if the server said other things', async () => {
    const session = committedSession()
    const ping = story.parts.find(({ name }) => name === 'ping')!.unit
    const events = session.events.map((event, i): Session['events'][number] => {
      if (event.kind !== 'bytes' || story.parts.every(({ name, chunk }) => name !== 'ping' || chunk !== i)) return event
      const bytes = Uint8Array.from(event.bytes)
      bytes[bytes.indexOf(ping.wire[0]!) + 2]! ^= 1
      return { ...event, bytes }
    })
    expect(await differences({ ...session, events })).toHaveLength(1)
  })

  it('shows every byte of the session once, with a label that begins with its hex', () => {
    const labels = new Map(
      [...committed.matchAll(/<li id="([a-z-]+-b\d+)"[^>]*>.*?<span class="lb">([^<]+)<\/span>/g)].map(
        ([, id, label]) => [id!, label!] as const,
      ),
    )
    const wanted = story.parts.flatMap(({ name, unit }) => Array.from(unit.wire, (_, i) => `${name}-b${i}`))
    expect([...labels.keys()]).toEqual(wanted)
    for (const { name, unit } of story.parts) {
      for (const [i, byte] of unit.wire.entries()) {
        expect(labels.get(`${name}-b${i}`)).toMatch(new RegExp(`^${hex(Uint8Array.of(byte))} · byte ${i}, 0x`))
      }
    }
  })

  it('needs no script and nothing from elsewhere', () => {
    expect(committed).not.toMatch(/<script|<link rel="stylesheet|<img|<iframe|@import|url\(|\son\w+=/)
  })

  it('has no id twice, and no link to a place that is not there', () => {
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    const targets = [...committed.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!)
    expect(targets.filter((id) => !ids.includes(id))).toEqual([])
    const matrix = readFileSync(`${FOLDER}../rfc/matrix.html`, 'utf8')
    const rows = new Set([...committed.matchAll(/matrix\.html#([^"]+)"/g)].map(([, id]) => id!))
    expect([...rows].filter((id) => !matrix.includes(` id="${id}"`))).toEqual([])
  })

  it('opens each head, frame and wrong bit in the explain page with its bytes and direction', () => {
    const links = [...committed.matchAll(/explain\.html#hex=([0-9a-f]+)&amp;dir=(c2s|s2c)/g)]
    expect(links).toHaveLength(story.parts.length + story.variants.length)
    for (const { unit, direction } of story.parts) {
      const end = hex(unit.wire).replaceAll(' ', '')
      expect(links.some(([, digits, way]) => digits!.endsWith(end) && way === direction)).toBe(true)
    }
    expect(explainLink(Uint8Array.of(1), { direction: 's2c', start: 'frames', extensions: 'a; b', at: 2 })).toMatch(
      /#hex=01&dir=s2c&ext=a%3B%20b&start=frames&at=2$/,
    )
  })
})

describe('the wrong bits', () => {
  let story: Story

  beforeAll(async () => {
    story = await storyOf(committedSession())
  })

  it('are one bit of the recording each, and at least six', () => {
    expect(story.variants.length).toBeGreaterThanOrEqual(6)
    for (const { from, to, plan } of story.variants) expect(from ^ to).toBe(0x80 >> plan.bit)
  })

  it('are answered by the server and the client with the rule that the engine names', () => {
    for (const { plan, annotation, outcome, answer, direction } of story.variants) {
      const verdict = annotation.stop?.verdict ?? null
      if (plan.part === 'request') {
        expect(answer.units[0]).toMatchObject({ startLine: expect.stringContaining(` ${verdict?.httpStatus} `) })
        continue
      }
      expect(outcome.info?.requirement, plan.name).toBe(verdict?.id ?? null)
      const last = answer.units.at(-1)
      if (plan.part === 'response') expect(last).toBeUndefined()
      else {
        const code = verdict?.statusCode ?? 1000
        expect(last, plan.name).toMatchObject({ opcode: 8, masked: direction === 's2c' })
        expect(last?.kind === 'frame' && [...last.plain.subarray(0, 2)]).toEqual([code >> 8, code & 0xff])
      }
    }
  })
})

/** What people ask, in the words of learners; each is answered by a section of the page, with a place to look at. */
const ASKED = {
  'random-bytes': /random bytes/,
  lengths: /126/,
  'bit-order': /bit 0/,
  'why-mask': /mask.* TLS/,
  reads: /TCP read/,
  glued: /first message/,
  'frame-or-message': /frame a message/,
  rsv1: /RSV1 must be clear/,
  '1005-1006': /1005 and 1006/,
  'who-closes': /Who closes/,
  ping: /Ping from the browser/,
  key: /key and the GUID/,
  'text-binary': /UTF-8/,
  'invalid-header': /Invalid frame header/,
  origin: /CORS/,
}

describe('the fifteen questions', () => {
  it.each(Object.entries(ASKED))('%s', (name, asked) => {
    const question = questions.find((one) => one.name === name)
    expect(question?.question).toMatch(asked)
    expect(ids).toContain(`q-${name}`)
    const links = [...question!.answer.matchAll(/\]\(#([^)]+)\)/g)].map(([, id]) => id!)
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter((id) => !ids.includes(id))).toEqual([])
  })

  it('are all of them', () => {
    expect(questions.map(({ name }) => name)).toEqual(Object.keys(ASKED))
  })
})

describe('the prose', () => {
  const texts = [
    ...Object.values(partProse).flatMap(({ title, lead }) => [title, lead]),
    ...Object.values(why),
    ...Object.values(variantProse).flatMap(({ title, what, sender }) => [title, what, sender]),
    ...questions.flatMap(({ question, answer }) => [question, answer]),
  ]
  const HEX = /\b0x|\b[0-9a-f]{2}( [0-9a-f]{2})+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{2,}\b/i

  it('has no byte in hex that somebody typed', () => {
    expect(texts.filter((text) => HEX.test(text.replaceAll(/\]\(#[^)]*\)/g, ']')))).toEqual([])
  })

  it.each(['0x81', 'the byte c1', 'c1 87', '81 85'])('would be found out if it had: %s', (text) => {
    expect(text).toMatch(HEX)
  })

  it('has words for no rule that the page does not use', () => {
    const used = new Set(Object.values(partProse).flatMap(({ rules }) => rules))
    expect(Object.keys(why).filter((id) => !used.has(id))).toEqual([])
  })
})
