/** RFC 6455 §5.2 and §11.8: the four bits that say what a frame is. */
export const Opcode = {
  /** Goes on with the fragmented message that is open, §5.4. */
  Continuation: 0x0,
  /** Starts a text message; its payload is UTF-8, §5.6. */
  Text: 0x1,
  /** Starts a binary message, §5.6. */
  Binary: 0x2,
  /** Starts or answers the closing handshake, §5.5.1. */
  Close: 0x8,
  /** Asks for a Pong, §5.5.2. */
  Ping: 0x9,
  /** Answers a Ping, or comes unasked, §5.5.3. */
  Pong: 0xa,
} as const

/** One of the six opcodes that RFC 6455 defines. */
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Opcodes with the most significant bit set belong to control frames, §5.5. */
export function isControl(opcode: number): boolean {
  return opcode >= 0x8
}

/** 3-7 are reserved for data frames and B-F for control frames that nobody has defined yet, §5.2. */
export function isReserved(opcode: number): boolean {
  return (opcode > 0x2 && opcode < 0x8) || opcode > 0xa
}

const names = new Map<number, string>(Object.entries(Opcode).map(([name, opcode]) => [opcode, name.toLowerCase()]))

/** The opcode's name in lower case, or `reserved 0x3` and the like. */
export function opcodeName(opcode: number): string {
  return names.get(opcode) ?? `reserved 0x${opcode.toString(16)}`
}
