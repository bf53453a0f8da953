import { BlockList, isIP } from 'node:net'
import { UsageError } from '../errors.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { nodeAddress, parseForwarded } from './forwarded.ts'

/** Which proxies stand in front of the server, and where they say whom they speak for. */
export interface TrustProxyOptions {
  /**
   * How many proxies there are, or their addresses: single ones, networks such as `10.0.0.0/8`, and `unix` for whoever
   * comes by a Unix domain socket.
   */
  readonly proxies: number | readonly string[]
  /** The field they write. Nothing else is looked at: what a proxy does not write comes from the client. Default `'x-forwarded-for'`. */
  readonly header?: 'x-forwarded-for' | 'forwarded'
}

const trustProxyOptionNames = { proxies: true, header: true } satisfies OptionNames<TrustProxyOptions>

/** Finds the address of the client behind trusted proxies. */
export type AddressFinder = (
  peer: string | undefined,
  field: (name: string) => string | undefined,
) => string | undefined

/**
 * Makes a finder of the option `trustProxy`.
 *
 * The field is a list that every proxy adds to at its end, so it is read from the end, and only as far as it was written
 * by somebody trusted: what stands further to the front is the client's own word.
 *
 * @throws UsageError when the option is wrong
 */
export function addressFinder(
  option: number | readonly string[] | TrustProxyOptions | false | undefined,
): AddressFinder {
  if (option === undefined || option === false) return (peer) => peer
  if (isTrustProxyOptions(option)) checkOptionNames('option trustProxy', option, trustProxyOptionNames)
  const { proxies, header = 'x-forwarded-for' } = isTrustProxyOptions(option) ? option : { proxies: option }
  if (header !== 'x-forwarded-for' && header !== 'forwarded') {
    throw new UsageError(`option trustProxy.header is ${String(header)}; it must be 'x-forwarded-for' or 'forwarded'`)
  }
  const isTrusted = typeof proxies === 'number' ? trustByCount(proxies) : trustByAddress(proxies)
  const parse = header === 'forwarded' ? parseForwarded : parseForwardedFor
  return (peer, field) => {
    let address = peer
    if (!isTrusted(address, 0)) return address
    const list = parse(field(header) ?? '')
    for (let hop = 1; hop <= list.length; hop++) {
      const next = list.at(-hop)!
      // What is no address cannot be followed: the proxy that wrote it is the last thing known.
      if (isIP(next) === 0) return address
      address = next
      if (!isTrusted(address, hop)) return address
    }
    return address
  }
}

function isTrustProxyOptions(option: number | readonly string[] | TrustProxyOptions): option is TrustProxyOptions {
  return typeof option === 'object' && !Array.isArray(option)
}

type IsTrusted = (address: string | undefined, hop: number) => boolean

function trustByCount(count: number): IsTrusted {
  if (!Number.isInteger(count) || count < 0) {
    throw new UsageError(`option trustProxy is ${String(count)}; a number of proxies is an integer of at least 0`)
  }
  return (_, hop) => hop < count
}

function trustByAddress(proxies: readonly string[]): IsTrusted {
  if (!Array.isArray(proxies)) {
    throw new UsageError(
      `option trustProxy is ${String(proxies)}; it must be a number of proxies or a list of addresses`,
    )
  }
  const list = new BlockList()
  for (const proxy of proxies) {
    if (proxy !== 'unix') addTo(list, proxy)
  }
  const trustsUnix = proxies.includes('unix')
  return (address, hop) => {
    if (address === undefined) return trustsUnix && hop === 0
    return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

function addTo(list: BlockList, proxy: string): void {
  const [address, prefix, ...rest] = String(proxy).split('/')
  const version = isIP(address!)
  const bits = Number(prefix)
  const isPrefix = prefix === undefined || (/^\d+$/.test(prefix) && bits <= (version === 6 ? 128 : 32))
  if (version === 0 || !isPrefix || rest.length > 0) {
    throw new UsageError(`option trustProxy has ${String(proxy)}; that is no address, no network and not 'unix'`)
  }
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (prefix === undefined) list.addAddress(address!, family)
  else list.addSubnet(address!, bits, family)
}

/** X-Forwarded-For: addresses, with or without a port. */
function parseForwardedFor(value: string): string[] {
  return value === '' ? [] : value.split(',').map((part) => nodeAddress(part.trim()))
}
