import { describe, expect, it } from 'vitest'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { answer, confirm, offers } from '../support/deflate.ts'

const NAME = 'permessage-deflate'
const SMALL = 'server_no_context_takeover; client_no_context_takeover'
const OPEN: PerMessageDeflateOptions = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: true,
}

describe('a server that is offered permessage-deflate', () => {
  it.each<[name: string, offer: string, options: PerMessageDeflateOptions | true, answer: string]>([
    ['agrees with its own defaults [7692-5-6] [7692-5-7]', NAME, true, `${NAME}; ${SMALL}`],
    [
      'limits the window of a client that can be limited [7692-7.1.2.2-3] [7692-7.1.2.2-1]',
      `${NAME}; client_max_window_bits`,
      true,
      `${NAME}; ${SMALL}; client_max_window_bits=12`,
    ],
    [
      'sends no client_max_window_bits that was not offered [7692-7.1.2.2-5]',
      NAME,
      { ...OPEN, clientMaxWindowBits: 12 },
      NAME,
    ],
    [
      'takes the smaller one of two client windows [7692-5-5]',
      `${NAME}; client_max_window_bits=10`,
      OPEN,
      `${NAME}; client_max_window_bits=10`,
    ],
    ['does not take up a hint of 8, which binds nobody [7692-5-5]', `${NAME}; client_max_window_bits=8`, OPEN, NAME],
    ['answers nothing when nothing is limited', `${NAME}; client_max_window_bits`, OPEN, NAME],
    [
      'echoes server_no_context_takeover, without a value [7692-7.1.1.1-1] [7692-7.1.1.1-2] [7692-7.1.1.1-3] [7692-5-8]',
      `${NAME}; server_no_context_takeover`,
      OPEN,
      `${NAME}; server_no_context_takeover`,
    ],
    [
      'imposes no context takeover unasked [7692-7.1.1.1-4] [7692-7.1.1.2-2]',
      NAME,
      { ...OPEN, serverNoContextTakeover: true, clientNoContextTakeover: true },
      `${NAME}; server_no_context_takeover; client_no_context_takeover`,
    ],
    ['need not take up the hint of a client [7692-7.1.1.2-1]', `${NAME}; client_no_context_takeover`, OPEN, NAME],
    [
      'echoes a window that was asked for [7692-7.1.2.1-1] [7692-7.1.2.1-3] [7692-5-4]',
      `${NAME}; server_max_window_bits=10`,
      OPEN,
      `${NAME}; server_max_window_bits=10`,
    ],
    [
      'echoes a smaller window than was asked for [7692-7.1.2.1-3]',
      `${NAME}; server_max_window_bits=15`,
      { ...OPEN, serverMaxWindowBits: 9 },
      `${NAME}; server_max_window_bits=9`,
    ],
    [
      'does not say unasked that its window is small [7692-7.1.2.1-5] [7692-7.1.2.1-4]',
      NAME,
      { ...OPEN, serverMaxWindowBits: 11 },
      NAME,
    ],
    [
      'writes windows as decimal digits [7692-7.1.2.1-4] [7692-7.1.2.2-4]',
      `${NAME}; client_max_window_bits=9; server_max_window_bits=9`,
      OPEN,
      `${NAME}; server_max_window_bits=9; client_max_window_bits=9`,
    ],
    ['takes the first offer that it can use [7692-5-2] [7692-5-3]', `${NAME}; foo, ${NAME}`, OPEN, NAME],
    [
      'prefers the earlier of two offers [7692-5-3]',
      `${NAME}; server_max_window_bits=10, ${NAME}`,
      OPEN,
      `${NAME}; server_max_window_bits=10`,
    ],
    ['skips names that it does not know', `x-deflate, ${NAME}`, OPEN, NAME],
    [
      'understands a value in quotes',
      `${NAME}; server_max_window_bits="10"`,
      OPEN,
      `${NAME}; server_max_window_bits=10`,
    ],
  ])('%s', (_, offer, options, expected) => {
    expect(answer(offer, options)?.agreed).toBe(expected)
  })

  it.each(['9', '10', '11', '12', '13', '14', '15'])('can do a window of 2^%s both ways [7692-7.1.2.1-1]', (bits) => {
    const offer = `${NAME}; server_max_window_bits=${bits}; client_max_window_bits=${bits}`
    expect(answer(offer, OPEN)?.agreed).toBe(offer)
  })

  it.each([
    ['an unknown parameter [7692-7-1] [7692-5-13]', 'foo'],
    ['an unknown parameter with a name of Object.prototype [7692-7-1]', '__proto__'],
    ['a parameter in other letters [7692-7-1]', 'Server_no_context_takeover'],
    ['a window of 7 [7692-7-2] [7692-7.1.2.1-2]', 'server_max_window_bits=7'],
    ['a window of 16 [7692-7-2] [7692-7.1.2.1-2]', 'server_max_window_bits=16'],
    ['a window with a leading zero [7692-7-2] [7692-7.1.2.1-2]', 'server_max_window_bits=08'],
    ['a window with a sign [7692-7-2] [7692-7.1.2.1-2]', 'server_max_window_bits=+9'],
    ['a negative window [7692-7-2]', 'server_max_window_bits=-1'],
    ['a window that is no number [7692-7-2]', 'server_max_window_bits=x'],
    ['a window of eleven digits [7692-7-2]', 'server_max_window_bits=99999999999'],
    ['a server window without a value [7692-7-2]', 'server_max_window_bits'],
    ['a server window of 8, which zlib cannot deflate with [7692-7-4] [7692-7.1.2.1-6]', 'server_max_window_bits=8'],
    ['a client window of 7 [7692-7-2] [7692-7.1.2.2-2]', 'client_max_window_bits=7'],
    ['a client window with a leading zero [7692-7-2] [7692-7.1.2.2-2]', 'client_max_window_bits=010'],
    ['a value where none may be [7692-7-2]', 'server_no_context_takeover=1'],
    ['a value where none may be, for the client [7692-7-2]', 'client_no_context_takeover=true'],
    ['a parameter that stands twice [7692-7-3]', 'server_max_window_bits=10; server_max_window_bits=10'],
    ['a flag that stands twice [7692-7-3]', 'server_no_context_takeover; server_no_context_takeover'],
  ])('declines %s, and takes the next offer', (_, params) => {
    expect(answer(`${NAME}; ${params}`)).toBeNull()
    expect(answer(`${NAME}; ${params}, ${NAME}`, OPEN)?.agreed).toBe(NAME)
  })
})

describe('the answer of a server', () => {
  const flags = ['', '; server_no_context_takeover', '; client_no_context_takeover']
  const windows = ['', ...['9', '11', '15'].map((bits) => `; server_max_window_bits=${bits}`)]
  const limits = ['', '; client_max_window_bits', '; client_max_window_bits=10']
  const asked = flags.flatMap((flag) => windows.flatMap((window) => limits.map((limit) => flag + window + limit)))

  it('names no window that was not offered, whatever its options, and none larger than that [7692-7.1.2.2-5]', () => {
    for (const options of [true, OPEN, { ...OPEN, serverMaxWindowBits: 10, clientMaxWindowBits: 9 }] as const) {
      for (const params of asked) {
        const { agreed } = answer(NAME + params, options)!
        for (const name of ['server_max_window_bits', 'client_max_window_bits']) {
          const most = Number(new RegExp(`${name}=(\\d+)`).exec(params)?.[1] ?? 15)
          const bits = new RegExp(`${name}=(\\d+)`).exec(agreed)?.[1]
          if (!params.includes(name)) expect(bits, params).toBeUndefined()
          if (bits !== undefined) expect(Number(bits), params).toBeLessThanOrEqual(most)
        }
      }
    }
  })
})

describe('a client', () => {
  it.each<[name: string, options: PerMessageDeflateOptions | true, offers: string]>([
    ['offers anything [7692-5-1]', OPEN, `${NAME}; client_max_window_bits`],
    ['asks for nothing by default [7692-5-1]', true, `${NAME}; client_max_window_bits`],
    ['asks for nothing that needs no word', { threshold: 0, level: 9 }, `${NAME}; client_max_window_bits`],
    [
      'asks in its one offer for what it was told to ask [7692-5-2] [7692-7.1.1.1-1] [7692-7.1.1.2-1] [7692-7.1.2.1-1]',
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 12,
        clientMaxWindowBits: 12,
      },
      `${NAME}; ${SMALL}; server_max_window_bits=12; client_max_window_bits=12`,
    ],
    [
      "asks for the server's window alone",
      { serverMaxWindowBits: 9 },
      `${NAME}; server_max_window_bits=9; client_max_window_bits`,
    ],
  ])('%s', (_, options, expected) => {
    expect(offers(options)).toBe(expected)
  })

  it.each<[name: string, answered: string, options: PerMessageDeflateOptions | true]>([
    ['what it left to the server', `${NAME}; ${SMALL}; client_max_window_bits=12`, true],
    ['nothing', NAME, true],
    ['an answer that lacks what it asked for', NAME, { serverNoContextTakeover: true, serverMaxWindowBits: 10 }],
    ['limits that it did not ask for', `${NAME}; ${SMALL}`, OPEN],
    ['a smaller window than it asked for', `${NAME}; server_max_window_bits=9`, OPEN],
    ['a server window of 8, which zlib can inflate', `${NAME}; server_max_window_bits=8`, OPEN],
  ])('accepts %s', (_, answered, options) => {
    expect(confirm(answered, options).agreed).toBe(answered)
  })

  it.each<[name: string, answered: string, options?: PerMessageDeflateOptions]>([
    ['an unknown parameter [7692-7-5] [7692-5-14]', `${NAME}; foo`],
    ['a parameter that stands twice [7692-7-5]', `${NAME}; server_max_window_bits=9; server_max_window_bits=9`],
    ['a bad value [7692-7-5]', `${NAME}; server_max_window_bits=16`],
    ['a client window without a value [7692-7-5]', `${NAME}; client_max_window_bits`],
    ['a client window of 8, which zlib cannot deflate with [7692-7-5]', `${NAME}; client_max_window_bits=8`],
  ])('refuses %s', (_, answered, options = OPEN) => {
    expect(() => confirm(answered, options)).toThrow(expect.objectContaining({ code: 'ERR_HANDSHAKE' }))
  })
})
