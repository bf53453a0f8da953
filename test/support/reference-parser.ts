/**
 * A reading of RFC 6455 §5 that is slow and obviously right: the whole stream in one array, lengths as BigInt, a loop
 * per byte, UTF-8 by the runtime's strict decoder. It shares no line with `src/`; the parser there is held against it.
 */

export interface ReferenceOptions {
  readonly role: 'server' | 'client'
  readonly maxPayload?: number
  readonly maxFragments?: number
  readonly rsv1Owned?: boolean
}

export interface ReferenceFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly rsv1: boolean
  /** Unmasked, as hex. */
  readonly payload: string
}

export interface ReferenceResult {
  /** The complete frames before the first fault or the end of the bytes. */
  readonly frames: readonly ReferenceFrame[]
  /** Where each of them ends. */
  readonly ends: readonly number[]
  /** The first rule that is broken, by its name in the table of rules. */
  readonly violation: string | null
  /** A data frame whose header is complete and whose payload is not. */
  readonly partial: (ReferenceFrame & { readonly payloadLength: number }) | null
}

interface Message {
  text: boolean
  compressed: boolean
  length: bigint
  fragments: number
  /** The text so far; only kept for text that is judged. */
  octets: number[]
}

export function referenceParse(bytes: Uint8Array, options: ReferenceOptions): ReferenceResult {
  const frames: ReferenceFrame[] = []
  const ends: number[] = []
  let message = null as Message | null
  let position = 0

  const stop = (violation: string | null, partial: ReferenceResult['partial'] = null): ReferenceResult => {
    return { frames, ends, violation, partial }
  }

  for (;;) {
    const input = bytes.slice(position)
    if (input.length < 2) return stop(null)
    const first = binary(input[0]!)
    const second = binary(input[1]!)
    const fin = first[0] === '1'
    const [rsv1, rsv2, rsv3] = [first[1] === '1', first[2] === '1', first[3] === '1']
    const opcode = Number.parseInt(first.slice(4), 2)
    const masked = second[0] === '1'
    const length7 = Number.parseInt(second.slice(1), 2)
    const control = [8, 9, 10, 11, 12, 13, 14, 15].includes(opcode)

    // §5.2: the rules of the first two bytes, in the order in which the RFC draws the bits.
    if (rsv2 || rsv3) return stop('ReservedBit')
    if (rsv1 && options.rsv1Owned !== true) return stop('ReservedBit')
    if (rsv1 && control) return stop('Rsv1OnControl')
    if (rsv1 && opcode === 0) return stop('Rsv1OnContinuation')
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return stop('ReservedOpcode')
    if (control && !fin) return stop('FragmentedControl')
    if (control && length7 > 125) return stop('LongControl')
    if (opcode === 0 && message === null) return stop('OrphanContinuation')
    if ((opcode === 1 || opcode === 2) && message !== null) return stop('InterleavedMessage')
    if (options.role === 'server' && !masked) return stop('UnmaskedClientFrame')
    if (options.role === 'client' && masked) return stop('MaskedServerFrame')

    // The length, in its shortest form.
    let payloadLength = BigInt(length7)
    let headerEnd = 2
    if (length7 === 126) {
      if (input.length < 4) return stop(null)
      payloadLength = bigEndian(input.slice(2, 4))
      headerEnd = 4
      if (payloadLength < 126n) return stop('NonMinimalLength')
    }
    if (length7 === 127) {
      if (input.length < 10) return stop(null)
      payloadLength = bigEndian(input.slice(2, 10))
      headerEnd = 10
      if (payloadLength >= 2n ** 63n) return stop('LengthTopBit')
      if (payloadLength < 65536n) return stop('NonMinimalLength')
      if (payloadLength >= 2n ** 53n) return stop('MessageTooBig')
    }

    // §10.4: the limits, judged on what is announced.
    let current: Message | null = message
    if (!control) {
      current =
        message === null
          ? { text: opcode === 1, compressed: rsv1, length: 0n, fragments: 0, octets: [] }
          : { ...message, octets: [...message.octets] }
      current.length += payloadLength
      current.fragments += 1
      if (options.maxPayload !== undefined) {
        const limit = BigInt(options.maxPayload)
        // A compressed message may take a sixteenth and 1 KiB more than it will have when it is inflated.
        const tooBig = current.compressed ? 16n * current.length > 17n * limit + 16n * 1024n : current.length > limit
        if (tooBig) return stop('MessageTooBig')
      }
      if (options.maxFragments !== undefined && message !== null && current.fragments > options.maxFragments) {
        return stop('TooManyFragments')
      }
    }

    // §5.3: the masking-key.
    let key = [0, 0, 0, 0]
    if (masked) {
      if (input.length < headerEnd + 4) return stop(null)
      key = [...input.slice(headerEnd, headerEnd + 4)]
      headerEnd += 4
    }

    const payload: number[] = []
    for (let i = 0; headerEnd + i < input.length && BigInt(i) < payloadLength; i += 1) {
      payload.push(input[headerEnd + i]! ^ key[i % 4]!)
    }
    const complete = BigInt(payload.length) === payloadLength

    // §5.6 and §8.1: text is judged as it comes, and once more at its end.
    if (current !== null && !control && current.text && !current.compressed) {
      current.octets.push(...payload)
      if (!canBecomeUtf8(current.octets)) return stop('InvalidUtf8')
      if (complete && fin && !isUtf8Text(current.octets)) return stop('InvalidUtf8')
    }

    const frame = { opcode, fin, rsv1, payload: Buffer.from(payload).toString('hex') }
    if (!complete) return stop(null, control ? null : { ...frame, payloadLength: Number(payloadLength) })
    if (opcode === 8) {
      const fault = closeFault(payload)
      if (fault !== null) return stop(fault)
    }
    if (!control) message = fin ? null : current
    position += headerEnd + payload.length
    frames.push(frame)
    ends.push(position)
  }
}

/** §5.5.1 and §7.4: what is wrong with the body of a Close frame. */
function closeFault(payload: readonly number[]): string | null {
  if (payload.length === 0) return null
  if (payload.length === 1) return 'TruncatedStatusCode'
  const statusCode = payload[0]! * 256 + payload[1]!
  if (statusCode <= 999) return 'UnusedStatusCode'
  if (statusCode === 1004) return 'ReservedStatusCode'
  if (statusCode === 1005) return 'NoStatusOnWire'
  if (statusCode === 1006) return 'AbnormalOnWire'
  if (statusCode === 1015) return 'TlsHandshakeOnWire'
  if (statusCode >= 1016 && statusCode <= 2999) return 'UnassignedStatusCode'
  if (statusCode >= 5000) return 'StatusCodeOutOfRange'
  return isUtf8Text(payload.slice(2)) ? null : 'InvalidUtf8Reason'
}

function binary(octet: number): string {
  return octet.toString(2).padStart(8, '0')
}

function bigEndian(octets: Uint8Array): bigint {
  let value = 0n
  for (const octet of octets) value = value * 256n + BigInt(octet)
  return value
}

const strict = new TextDecoder('utf-8', { fatal: true })

/** Whether the octets are UTF-8 from beginning to end. */
export function isUtf8Text(octets: readonly number[]): boolean {
  try {
    strict.decode(Uint8Array.from(octets))
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

/**
 * Every way to end a character that is cut off: 0 to 3 more octets. The first of them takes a value from each of the
 * ranges in which RFC 3629 §4 lets a second octet lie; the others may be any continuation octet.
 */
const ENDINGS = [[], ...[0x80, 0x90, 0xa0].flatMap((octet) => [[octet], [octet, 0x80], [octet, 0x80, 0x80]])]

/** Whether more octets could make the text valid, found by trying. */
export function canBecomeUtf8(octets: readonly number[]): boolean {
  return ENDINGS.some((ending) => isUtf8Text([...octets, ...ending]))
}
