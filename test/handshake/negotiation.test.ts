import { describe, expect, it, vi } from 'vitest'
import { type ExtensionOffer, parseExtensions } from '../../src/handshake/grammar.ts'
import {
  chooseSubprotocol,
  confirmExtensions,
  type ExtensionNegotiator,
  type ExtensionProposer,
  negotiateExtensions,
  offersOf,
  RsvBits,
} from '../../src/handshake/negotiation.ts'
import { refusal } from './heads.ts'

describe('chooseSubprotocol', () => {
  it.each([
    { name: 'the only common one', offered: ['a', 'c'], supported: ['b', 'c'], expected: 'c' },
    { name: 'the one the server prefers', offered: ['a', 'b'], supported: ['b', 'a'], expected: 'b' },
    { name: 'none when there is none in common', offered: ['a'], supported: ['b'], expected: undefined },
    { name: 'none when none is offered', offered: [], supported: ['b'], expected: undefined },
    { name: 'none when the server has none', offered: ['a'], supported: [], expected: undefined },
    { name: 'none when only the case differs', offered: ['Chat'], supported: ['chat'], expected: undefined },
    { name: '__proto__ like any other', offered: ['__proto__'], supported: ['x', '__proto__'], expected: '__proto__' },
  ])('chooses $name (§4.2.2) [6455-4.2.2-9] [6455-4.2.2-10]', ({ offered, supported, expected }) => {
    expect(chooseSubprotocol(offered, supported)).toBe(expected)
  })
})

/** Accepts every offer that has no parameter `no`. */
function negotiator(name: string, rsvBits: number): ExtensionNegotiator<string> {
  return {
    name,
    rsvBits,
    accept: (offer) =>
      offer.params.some(([param]) => param === 'no') ? null : { params: offer.params, config: `${name}!` },
  }
}

describe('negotiateExtensions', () => {
  const negotiators = [
    negotiator('b', RsvBits.Rsv2),
    negotiator('a', RsvBits.Rsv1),
    negotiator('a2', RsvBits.Rsv1 | RsvBits.Rsv3),
    negotiator('none', RsvBits.None),
  ]
  const chosen = (offers: string) =>
    negotiateExtensions(parseExtensions(offers), negotiators).map(({ name, params }) =>
      [name, ...params.flat()].join(' '),
    )

  it.each([
    { offers: 'a; x=1', expected: ['a x 1'], story: 'accepts an offer' },
    { offers: 'a, b', expected: ['a', 'b'], story: 'keeps the order of the client' },
    { offers: 'b, a', expected: ['b', 'a'], story: 'keeps the order of the client, not of the server' },
    { offers: 'unknown, a', expected: ['a'], story: 'skips an unknown name' },
    { offers: 'a; no, a; x', expected: ['a x true'], story: 'tries the next offer after one it declined' },
    { offers: 'a; x, a; y', expected: ['a x true'], story: 'accepts a name once, the first offer' },
    {
      offers: 'none; x, none, a',
      expected: ['none x true', 'a'],
      story: 'accepts a name once, without an RSV bit too',
    },
    { offers: 'a2, a, b', expected: ['a2', 'b'], story: 'never has two extensions on one RSV bit' },
    { offers: 'a; no', expected: [], story: 'accepts nothing when everything is declined' },
    { offers: 'constructor, __proto__; toString', expected: [], story: 'knows no name from a prototype (S-H04)' },
  ])(
    '$story: $offers (§9.1) [6455-9-2] [6455-9.1-5] [6455-4.2.2-11] [6455-4.2.2-12] [7692-5-3] [7692-5-9] [7692-5-11]',
    ({ offers, expected }) => {
      expect(chosen(offers)).toEqual(expected)
    },
  )

  it('hands the configuration through and does not ask an extension whose bit is taken', () => {
    const second = { ...negotiator('c', RsvBits.Rsv2), accept: vi.fn() }
    const accepted = negotiateExtensions(parseExtensions('b, c'), [...negotiators, second])
    expect(accepted).toEqual([{ name: 'b', rsvBits: RsvBits.Rsv2, params: [], config: 'b!' }])
    expect(second.accept).not.toHaveBeenCalled()
  })
})

/** Offers itself with the parameter `x` and without; the answer must not have `no`. */
function proposer(name: string, rsvBits: number): ExtensionProposer<string> {
  return {
    name,
    rsvBits,
    offers: [[['x', true]], []],
    confirm: (answer: ExtensionOffer) =>
      answer.params.some(([param]) => param === 'no') ? null : { params: [], config: `${name}!` },
  }
}

const PROPOSERS = [proposer('a', RsvBits.Rsv1), proposer('b', RsvBits.Rsv2), proposer('c', RsvBits.Rsv1)]

describe('offersOf', () => {
  it('lists each offer of each extension in order (§9.1) [6455-9-1] [7692-5-2]', () => {
    expect(offersOf(PROPOSERS.slice(0, 2))).toEqual(parseExtensions('a; x, a, b; x, b'))
  })
})

describe('confirmExtensions', () => {
  it('confirms what was offered, with the parameters of the answer [6455-9-4]', () => {
    expect(confirmExtensions(parseExtensions('b; y=1, a'), PROPOSERS, 101)).toEqual([
      { name: 'b', rsvBits: RsvBits.Rsv2, params: [['y', '1']], config: 'b!' },
      { name: 'a', rsvBits: RsvBits.Rsv1, params: [], config: 'a!' },
    ])
    expect(confirmExtensions([], PROPOSERS, 101)).toEqual([])
  })

  it.each([
    { name: 'was not offered', answer: 'a, z', requirement: '6455-4.1-42', message: '"z"; it was not offered' },
    { name: 'stands twice', answer: 'b, b', requirement: '6455-4.1-44', message: '"b"; it stands twice' },
    {
      name: 'shares an RSV bit',
      answer: 'a, c',
      requirement: '7692-5-10',
      message: '"c"; it shares an RSV bit with another one',
    },
    {
      name: 'breaks its own rules',
      answer: 'a; no',
      requirement: '6455-9-4',
      message: '"a"; it has parameters it may not have',
    },
  ])(
    'fails when an extension $name (§4.1) [6455-4.1-42] [6455-4.1-44] [7692-5-10] [7692-5-12] [7692-5-14]',
    ({ answer, requirement, message }) => {
      const error = refusal(() => confirmExtensions(parseExtensions(answer), PROPOSERS, 101))
      expect(error).toMatchObject({ httpStatus: 101, requirement })
      expect(error.message).toContain(`the response has the extension ${message}`)
    },
  )
})
