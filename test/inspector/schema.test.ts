import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { annotate, annotateBoth, inflate, sha1 } from '../../src/inspector/index.ts'
import { ROOT } from '../support/child.ts'
import { fcOptions } from '../support/fc-options.ts'
import { derailedStream } from '../support/frame-arbitraries.ts'
import { catalogue } from './catalogue.ts'

const ajv = new Ajv2020.default({ allowUnionTypes: true, formats: { 'date-time': true } })

/** Compiles a published schema. */
function schema(name: string) {
  return ajv.compile(JSON.parse(readFileSync(`${ROOT}src/inspector/schema/${name}.schema.json`, 'utf8')))
}

const isAnnotation = schema('annotation')

function expectValid(value: unknown): void {
  const valid = isAnnotation(JSON.parse(JSON.stringify(value)))
  expect(isAnnotation.errors ?? []).toEqual([])
  expect(valid).toBe(true)
}

describe('annotation.schema.json', () => {
  it.each(catalogue)('describes the annotation of $name', ({ bytes, context }) => {
    expectValid(annotate(bytes, { ...context, inflate, sha1 }))
  })

  it('describes those of streams of any frames', () => {
    fc.assert(
      fc.property(derailedStream({ role: 'server', rsv1Owned: false }), (stream) => expectValid(annotate(stream))),
      fcOptions(300),
    )
  })

  it('describes both directions, heads and noise', () => {
    const c2s = new TextEncoder().encode(
      'GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    const s2c = new TextEncoder().encode('HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\r\nno')
    expectValid({ v: 1, ...annotateBoth({ c2s, s2c }, { sha1 }) })
  })

  it('refuses what is none', () => {
    expect(isAnnotation({ v: 1 })).toBe(false)
    expect(isAnnotation({ ...JSON.parse(JSON.stringify(annotate(Uint8Array.of(0x81)))), more: 1 })).toBe(false)
  })
})
