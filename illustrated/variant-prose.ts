/* The words for the wrong bits, under the same rules as `prose.ts`. */

/** What is said of one wrong bit. */
export interface VariantProse {
  readonly title: string
  /** What the bit does. */
  readonly what: string
  /** What the side that wrote it has to mend, or to expect. */
  readonly sender: string
}

/** By the name of the variant. */
export const variantProse: Readonly<Record<string, VariantProse>> = {
  'version-12': {
    title: 'Version 12',
    what: 'The last bit of the last digit: a 3 becomes a 2. Everything else about the request is right, and that does not help it.',
    sender: 'The client reads which version the server has, and asks again with it or gives up.',
  },
  'other-accept': {
    title: 'An accept value that belongs to another key',
    what: 'One bit in the first character of the answer to the key. The status is 101 all the same, and a client that does not compute the value itself would believe it.',
    sender:
      'The server computes the value from the text of the key, with no blank and no line end in it; it gets no explanation, the connection is just gone.',
  },
  'unmasked-client': {
    title: 'A client that does not mask',
    what: 'Without MASK there is no key: the four bytes of it are read as the first bytes of the payload, and the last four bytes of the payload as the next frame.',
    sender: 'The client masks every frame, inside TLS and on a loopback too.',
  },
  'masked-server': {
    title: 'A server that masks',
    what: 'With MASK set, the first four letters of the text are taken for the key, and the frame ends four bytes further on, inside the Ping. The page that waits for the text sees nothing of this but code 1006.',
    sender:
      'The server leaves the mask alone; a function that writes frames for both sides takes the role as an argument.',
  },
  'not-compressed': {
    title: 'Compressed, but nobody says so',
    what: 'Without RSV1 the DEFLATE data passes for text, and it is no UTF-8. This is what a peer sees when the other side compresses and its header bit got lost.',
    sender: 'Set RSV1 on the first frame of a compressed message, and only if permessage-deflate was agreed on.',
  },
  rsv2: {
    title: 'A reserved bit',
    what: 'RSV2 belongs to no extension that was agreed on here. “Ignore what you do not know” holds for header fields, not for these bits: an unknown extension might have changed what the payload means.',
    sender: 'Write the reserved bits as zero.',
  },
  'opcode-3': {
    title: 'An opcode that nobody has defined',
    what: 'Opcode 1 becomes 3. The five codes behind 2 are kept for data frames to come, those behind 10 for control frames to come, and until then there is no reading that is safe.',
    sender: 'There are six opcodes. A format of your own goes into the payload, or into a subprotocol.',
  },
  'one-byte-less': {
    title: 'A length that is one too small',
    what: 'The payload ends a byte early, and what is left of it is read as the first byte of the next frame. From here on nothing is where it seems to be: there is no mark between frames by which a reader could find back.',
    sender:
      'Count bytes, not characters, and write the header for what is really sent: after compression, before masking.',
  },
  'ended-too-early': {
    title: 'FIN too early',
    what: 'The first fragment says that it is the whole message. The message event comes too soon, with half a sentence; then comes a continuation of nothing.',
    sender: 'FIN is set on the last frame of a message, and on every control frame.',
  },
  'text-in-text': {
    title: 'A second message inside the first',
    what: 'Opcode 0 becomes 1: where the open message should go on, a new one begins.',
    sender: 'Two writers on one connection take turns by message, not by frame.',
  },
  'ping-in-pieces': {
    title: 'A Ping that is not final',
    what: 'A control frame without FIN. A reader that only looks at the opcode would take it, and would have to wait for the rest of a Ping.',
    sender: 'A control frame is one frame. What does not go into its 125 bytes is data.',
  },
  'close-1004': {
    title: 'Close with a code that does not exist',
    what: 'One bit makes 1004 of 1000. It was reserved and never got a meaning.',
    sender: 'Send 1000, a code that RFC 6455 or IANA defines, or one from 3000 to 4999.',
  },
  'half-a-character': {
    title: 'A reason that is no UTF-8',
    what: 'The top bit of the first letter: now it would begin a longer character, and what follows does not continue one. A reason is text, and held to the same rule as a message.',
    sender: 'Cut a reason between characters: it has room for 123 bytes, not 123 characters.',
  },
  'key-bit': {
    title: 'One bit of the key, and nobody notices',
    what: 'Every fourth byte of the payload comes out differently, and no rule is broken: masking is no checksum, no encryption, and protects nothing but proxies. The Pong answers no Ping any more, so it counts as one that came unasked.',
    sender: 'Integrity is the affair of TCP and TLS.',
  },
}
