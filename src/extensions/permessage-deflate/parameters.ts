import type { ExtensionParam } from '../../handshake/grammar.ts'

/** The name of the extension, RFC 7692 §7. */
export const NAME = 'permessage-deflate'

/** The largest window, 32 KiB, which holds when nothing else was agreed on. */
export const MAX_WINDOW_BITS = 15
/** The smallest window that zlib can deflate with; RFC 7692 has 8 as well. */
export const MIN_WINDOW_BITS = 9

/** The four parameters of RFC 7692 §7.1 as they stand in an offer or an answer. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  /** 8-15, or undefined when the parameter is absent. */
  readonly serverMaxWindowBits: number | undefined
  /** 8-15, true when the parameter has no value, undefined when it is absent. */
  readonly clientMaxWindowBits: number | true | undefined
}

/** No leading zero, no sign: RFC 7692 §7.1.2. */
// @req 7692-7.1.2.1-2 @req 7692-7.1.2.2-2
const WINDOW_BITS = /^(?:[89]|1[0-5])$/

/**
 * Reads the parameters of one offer or answer.
 *
 * @param isOffer - only there `client_max_window_bits` may lack a value
 * @returns null when one is unknown, stands twice or has a value it may not have
 */
export function readParameters(params: readonly ExtensionParam[], isOffer: boolean): DeflateParameters | null {
  let serverNoContextTakeover = false
  let clientNoContextTakeover = false
  let serverMaxWindowBits: number | undefined
  let clientMaxWindowBits: number | true | undefined
  const names = new Set<string>()
  for (const [name, value] of params) {
    // @req 7692-7-3
    if (names.has(name)) return null
    names.add(name)
    const bits = value !== true && WINDOW_BITS.test(value) ? Number(value) : undefined
    // @req 7692-7-2
    if (name === 'server_no_context_takeover' && value === true) serverNoContextTakeover = true
    else if (name === 'client_no_context_takeover' && value === true) clientNoContextTakeover = true
    else if (name === 'server_max_window_bits' && bits !== undefined) serverMaxWindowBits = bits
    else if (name === 'client_max_window_bits' && bits !== undefined) clientMaxWindowBits = bits
    // @req 7692-7.1.2.2-1
    else if (name === 'client_max_window_bits' && value === true && isOffer) clientMaxWindowBits = true
    // @req 7692-7-1
    else return null
  }
  return { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits }
}

/** The parameters as they stand in an offer or an answer. */
export function writeParameters(parameters: DeflateParameters): ExtensionParam[] {
  const params: ExtensionParam[] = []
  // @req 7692-7.1.1.1-2
  if (parameters.serverNoContextTakeover) params.push(['server_no_context_takeover', true])
  if (parameters.clientNoContextTakeover) params.push(['client_no_context_takeover', true])
  const { serverMaxWindowBits, clientMaxWindowBits } = parameters
  // @req 7692-7.1.2.1-4 @req 7692-7.1.2.2-4
  if (serverMaxWindowBits !== undefined) params.push(['server_max_window_bits', String(serverMaxWindowBits)])
  if (clientMaxWindowBits !== undefined) {
    params.push(['client_max_window_bits', clientMaxWindowBits === true ? true : String(clientMaxWindowBits)])
  }
  return params
}
