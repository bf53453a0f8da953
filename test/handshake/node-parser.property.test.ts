import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RequestHeadReader } from '../../src/handshake/head-reader.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { mutatedHead } from './arbitraries.ts'
import { BROWSER_HEAD, head, latin1, MINIMAL_LINES, octets, outcome } from './heads.ts'
import { NodeParser } from './node-parser.ts'

const node = new NodeParser()

describe('the head reader beside the parser of node:http', () => {
  it('reads a handshake as Node does', async () => {
    const verdict = await node.verdictOn(octets(`${BROWSER_HEAD}\x81\x80`))
    expect(verdict).toMatchObject({ kind: 'upgrade', url: '/chat?room=1' })
  })

  it('never accepts what Node refuses, and reads the same where both accept (S-H25) [6455-4.2.1-1]', {
    timeout: FC_TIMEOUT_MS,
  }, async () => {
    const seen = { accepted: 0, refusedByBoth: 0, stricter: 0 }
    await fc.assert(
      fc.asyncProperty(mutatedHead, async (text) => {
        const bytes = octets(text)
        const reader = new RequestHeadReader()
        const ours = outcome(() => {
          const parsed = reader.receive(bytes)
          return parsed === null ? null : validateUpgrade(parsed)
        })
        const verdict = await node.verdictOn(bytes)
        if (ours === null || !('key' in ours)) {
          if (verdict.kind === 'refused') seen.refusedByBoth++
          else seen.stricter++
          return
        }
        seen.accepted++
        expect(verdict).toMatchObject({ url: ours.target, rawHeaders: [...ours.head.fields].flat() })
        // Node: llhttp overlooks the option in "Connection: Upgrade<HTAB>" and hands such a request to the application.
        if (verdict.kind === 'request') expect(text).toMatch(/upgrade *\t/i)
        else expect(verdict).toMatchObject({ kind: 'upgrade', rest: latin1(reader.takeLeftover()) })
      }),
      fcOptions(4000),
    )
    // A comparison in which one side never says yes, or never no, would prove nothing.
    expect(Math.min(seen.accepted, seen.refusedByBoth)).toBeGreaterThan(100)
    expect(seen.stricter).toBeGreaterThan(0)
  })

  it('accepts no octet that Node refuses, at any place of a head (S-H10, S-H25)', {
    timeout: FC_TIMEOUT_MS,
  }, async () => {
    const template = head('GET /a HTTP/1.1', ['X-Name: v', 'Content-Length: 0', 'Origin: o', ...MINIMAL_LINES])
    const places = [
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      14,
      15,
      16,
      17,
      18,
      22,
      23,
      24,
      25,
      26,
      27,
      28,
      42,
      43,
      44,
      45,
      46,
      template.length - 2,
    ]
    for (const place of places) {
      for (let octet = 0; octet < 256; octet++) {
        for (const removed of [0, 1]) {
          const text = template.slice(0, place) + String.fromCharCode(octet) + template.slice(place + removed)
          const ours = outcome(() => validateUpgrade(parseRequestHead(octets(text))))
          if (!('key' in ours)) continue
          const { kind } = await node.verdictOn(octets(text))
          expect(kind, JSON.stringify(text.slice(0, 60))).toBe('upgrade')
        }
      }
    }
  })
})
