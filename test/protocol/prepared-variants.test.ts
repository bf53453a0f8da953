import { describe, expect, it } from 'vitest'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { PreparedVariants } from '../../src/protocol/prepared-variants.ts'
import { ScriptedEncoder } from '../support/scripted-extension.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('PreparedVariants.get', () => {
  it.each([
    { name: 'text', data: 'a', byte0: 0xc1 },
    { name: 'binary', data: ascii('a'), byte0: 0xc2 },
  ])('frames $name with RSV1 and what the encoder made of it [7692-6.1-1]', ({ data, byte0 }) => {
    const variant = new PreparedVariants(prepareMessage(data)).get('v', new ScriptedEncoder())
    expect(variant).toEqual({ byte0, frame: Uint8Array.of(byte0, 3, ...ascii('(a)')), payload: ascii('(a)') })
  })

  it('keeps a copy: the memory of the encoder is used again', () => {
    const encoder = new ScriptedEncoder()
    const variant = new PreparedVariants(prepareMessage('a'.repeat(300))).get('v', encoder)
    encoder.encode('b'.repeat(300), true)
    expect(variant?.payload).toEqual(ascii(`(${'a'.repeat(300)})`))
    expect(variant?.frame.length).toBe(4 + 302)
  })

  it('keeps a variant without a byte', () => {
    const variant = new PreparedVariants(prepareMessage('nothing')).get('v', new ScriptedEncoder())
    expect(variant?.frame).toEqual(Uint8Array.of(0xc1, 0))
  })

  it('encodes once for each name, with an encoder that belongs to no connection', () => {
    const variants = new PreparedVariants(prepareMessage('a'))
    const [one, other] = [new ScriptedEncoder(), new ScriptedEncoder()]
    const made = variants.get('v', one)
    expect(variants.get('v', other)).toBe(made)
    expect(variants.get('w', other)).not.toBe(made)
    expect([one.calls, other.calls]).toEqual([[], []])
    expect([one, other].map(({ others }) => others.map(({ calls }) => calls))).toEqual([
      [['begin', 'encode a']],
      [['begin', 'encode a']],
    ])
  })

  it('gives the message as it is while there is no memory, and asks again the next time', () => {
    const message = prepareMessage('a')
    const variants = new PreparedVariants(message)
    const encoder = new ScriptedEncoder()
    encoder.hasMemory = false
    expect(variants.get('v', encoder)).toBe(message)
    expect(encoder.others[0]?.calls).toEqual(['begin'])
    encoder.hasMemory = true
    expect(variants.get('v', encoder)?.payload).toEqual(ascii('(a)'))
  })
})

describe('a variant that is encoded elsewhere', () => {
  it('is there for all who wait for it at once, in the order in which they asked', () => {
    const variants = new PreparedVariants(prepareMessage('later'))
    const encoder = new ScriptedEncoder()
    const told: string[] = []
    expect(variants.get('v', encoder)).toBeNull()
    variants.whenMade('v', () => told.push(`first ${variants.get('v', encoder)?.payload.length}`))
    expect(variants.get('v', encoder)).toBeNull()
    variants.whenMade('v', () => told.push('second'))
    expect(told).toEqual([])
    encoder.others[0]?.finish()
    expect(told).toEqual(['first 7', 'second'])
    expect(variants.get('v', encoder)?.payload).toEqual(ascii('(later)'))
    expect(encoder.others.map(({ calls }) => calls)).toEqual([['begin', 'encode later', 'later later']])
  })

  it('keeps nobody from another variant', () => {
    const variants = new PreparedVariants(prepareMessage('later'))
    const [one, other] = [new ScriptedEncoder(), new ScriptedEncoder()]
    const told: string[] = []
    variants.get('v', one)
    variants.get('w', other)
    variants.whenMade('v', () => told.push('v'))
    variants.whenMade('w', () => told.push('w'))
    other.others[0]?.finish()
    expect(told).toEqual(['w'])
    expect(variants.get('v', one)).toBeNull()
  })
})
