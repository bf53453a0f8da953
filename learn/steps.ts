/*
 * What there is to do, step by step: one goal each, of five or ten minutes. `ids` are the requirements that a step is judged
 * by; the stub of a step meets none of them, and its solution all.
 */

/** One step. */
export interface Step {
  readonly title: string
  /** What is there when it is done. */
  readonly goal: string
  /** Where in the file the work is. */
  readonly where: readonly string[]
  /** More and more of the way; shown one by one. */
  readonly hints: readonly string[]
  /** Requirements, rows of `docs/rfc/requirements.tsv`. */
  readonly ids: readonly string[]
  /** Where the illustrated connection shows it: an anchor of `docs/illustrated/index.html`. */
  readonly see: string
  /** Where this project does it, and where it is tested. */
  readonly code: string
  readonly test: string
}

/** The steps in their order; the first one is step 1. */
export const steps: readonly Step[] = [
  {
    title: 'the accept key',
    goal: 'acceptKey() gives the answer to a Sec-WebSocket-Key',
    where: ['acceptKey'],
    hints: [
      'The key is not decoded: it is text, and the GUID 258EAFA5-E914-47DA-95CA-C5AB0DC85B11 is put behind it.',
      'createHash, update, digest: SHA-1 of the two together, and base64 of that.',
      'It is no secret and checks no user. It only shows that whoever answers has read the RFC, and is no cache that repeats an old response.',
    ],
    ids: ['6455-4.2.2-17'],
    see: 'accept',
    code: 'src/handshake/key.ts',
    test: 'test/handshake/key.test.ts',
  },
  {
    title: 'the request',
    goal: 'checkRequest() tells an opening handshake from everything else, and says which status refuses it',
    where: ['checkRequest'],
    hints: [
      'Split by CRLF; the first line is method, target and version, separated by one space. A field line is a name, a colon and a value with blanks around it.',
      'Keep the values of a field in a list by its name in lower case: that Host, the key and the version stand once can be asked then.',
      '405 for another method than GET; 426 without "websocket" in Upgrade, and for another version than 13, with a field that says what there is; 400 for all else. A key is 22 characters of base64 and "==".',
    ],
    ids: [
      '6455-4.2.1-2',
      '6455-4.2.1-3',
      '6455-4.2.1-5',
      '6455-4.2.1-6',
      '6455-4.2.1-7',
      '6455-4.2.1-8',
      '6455-4.2.1-9',
    ],
    see: 'request',
    code: 'src/handshake/server-handshake.ts',
    test: 'test/handshake/server-handshake.test.ts',
  },
  {
    title: 'the answer: 101',
    goal: 'respond() writes the head of the response, and a client believes that the connection is open',
    where: ['respond'],
    hints: [
      'Every line ends with CRLF, and an empty line ends the head.',
      '101 needs Upgrade: websocket, Connection: Upgrade and Sec-WebSocket-Accept, and names no subprotocol and no extension that nobody asked for.',
      'For a refusal write the status, its fields, Connection: close and Content-Length: 0.',
    ],
    ids: [
      '6455-4.2.2-1',
      '6455-4.2.2-7',
      '6455-4.2.2-10',
      '6455-4.2.2-13',
      '6455-4.2.2-14',
      '6455-4.2.2-15',
      '6455-4.2.2-16',
      '6455-4.4-1',
      '6455-9-3',
      '6455-10.7-4',
      '6455-11.3.3-1',
    ],
    see: 'response',
    code: 'src/handshake/response.ts',
    test: 'test/conformance/handshake.test.ts',
  },
  {
    title: 'two bytes of header',
    goal: 'readHeader() takes FIN, RSV, opcode, MASK and a short length apart; checkHeader() refuses what may not come',
    where: ['readHeader', 'checkHeader'],
    hints: [
      'The figure of the RFC counts bits from the left: its bit 0 is the highest one of the first byte, 0x80.',
      'Byte 0: FIN 0x80, RSV1 to RSV3 0x70, opcode 0x0f. Byte 1: MASK 0x80, length 0x7f.',
      'Opcodes 0, 1, 2, 8, 9 and 10 are defined. Every frame of a client is masked, and no reserved bit is set unless an extension was agreed on.',
    ],
    ids: ['6455-5.1-2', '6455-5.2-3', '6455-5.2-4', '6455-7.1.7-3'],
    see: 'q-bit-order',
    code: 'src/frames/header.ts',
    test: 'test/frames/header.test.ts',
  },
  {
    title: 'three lengths',
    goal: 'readHeader() reads lengths of 7, 16 and 64 bits',
    where: ['readHeader'],
    hints: [
      '126 says: the length is in the next two bytes. 127 says: in the next eight. The first byte is the most significant one.',
      'JavaScript shifts 32 bits at a time: take readBigUInt64BE.',
      'A length in more bytes than it needs is a fault (1002), as is one whose top bit is set: look for that bit before you make a number of it.',
    ],
    ids: ['6455-5.2-5', '6455-5.2-6'],
    see: 'q-lengths',
    code: 'src/frames/header.ts',
    test: 'test/frames/header.test.ts',
  },
  {
    title: 'unmask',
    goal: 'unmask() gives back what the client meant, and a Ping gets its Pong',
    where: ['unmask', 'Peer.#obey'],
    hints: [
      'Byte i is XORed with byte i mod 4 of the key. XOR undoes itself.',
      'The masking is no encryption: the key stands beside the payload. It keeps a page from choosing the bytes on the wire, which old proxies could be fooled with.',
      'The payload of a Pong is that of the Ping: write frame(PONG, payload).',
    ],
    ids: ['6455-5.3-5', '6455-5.5.3-1', '6455-5.5.2-3', '6455-6.2-2', '6455-6.2-4'],
    see: 'pong',
    code: 'src/frames/mask.ts',
    test: 'test/frames/mask.test.ts',
  },
  {
    title: 'across chunks',
    goal: 'makeParser() reads the same frames however TCP has cut the stream',
    where: ['makeParser'],
    hints: [
      'A read of a socket knows no frames: it brings one byte, or many frames and a half.',
      'Put what is left of the last chunk before the next one, and read headers as long as there is a whole frame.',
      'Copy what you keep: somebody else may write to the memory of the chunk.',
    ],
    ids: ['6455-5.2-9', '6455-5.3-6', '6455-6.1-4', '6455-6.1-9', '6455-6.2-7', '6455-10.7-5'],
    see: 'q-reads',
    code: 'src/frames/parser.ts',
    test: 'test/frames/parser.property.test.ts',
  },
  {
    title: 'fragments',
    goal: 'makeAssembler() joins the fragments of a message, with a Ping between them or not',
    where: ['makeAssembler'],
    hints: [
      'The opcode of the first fragment is that of the message; the others have opcode 0; the last one has FIN.',
      'A Ping between two fragments belongs to nobody: it goes to Peer.#obey, and the message goes on.',
      'Two messages are never mixed: a continuation of nothing and a new message inside of another one are 1002.',
    ],
    ids: [
      '6455-5.4-3',
      '6455-5.4-4',
      '6455-5.4-7',
      '6455-5.4-12',
      '6455-5.4-13',
      '6455-5.4-14',
      '6455-6.1-6',
      '6455-6.1-7',
      '6455-6.2-1',
      '6455-6.2-3',
    ],
    see: 'continuation',
    code: 'src/protocol/message-assembler.ts',
    test: 'test/protocol/message-assembler.test.ts',
  },
  {
    title: 'limits, at the header',
    goal: 'checkHeader() refuses a long control frame and a long message before anything is kept of it',
    where: ['checkHeader', 'makeAssembler'],
    hints: [
      'A control frame (opcode 8 and above) has at most 125 bytes and FIN: it must fit between two fragments.',
      'The length is known when nothing of the payload has come: 1009 then costs nothing.',
      'A message of many fragments is one message: count all of it.',
    ],
    ids: ['6455-5.4-2', '6455-5.5-1', '6455-5.5-2', '6455-10.4-1', '6455-10.4-2'],
    see: 'ping',
    code: 'src/frames/header.ts',
    test: 'test/frames/parser.test.ts',
  },
  {
    title: 'UTF-8',
    goal: 'decodeText() refuses what is no UTF-8',
    where: ['decodeText'],
    hints: [
      'toString() puts U+FFFD in the place of what it cannot read: the RFC wants the connection to fail with 1007.',
      'new TextDecoder with fatal: true throws instead; ignoreBOM: true keeps a byte order mark, which is text too.',
      'A fragment may end inside of a character, so only the whole message is judged. Ours is faster: it fails at the first byte that cannot be right.',
    ],
    ids: ['6455-8.1-1'],
    see: 'q-text-binary',
    code: 'src/frames/utf8.ts',
    test: 'test/frames/utf8.test.ts',
  },
  {
    title: 'the end',
    goal: 'a Close is judged, answered and followed by the end of the connection; a fault says why with its status code',
    where: ['isStatusCode', 'Peer.#answerClose', 'Peer.#close'],
    hints: [
      'The body of a Close is empty, or a status code of two bytes and a reason in UTF-8. One byte is a fault.',
      '1005 and 1006 are words for "none came" and never stand on the wire, nor do 1004 and 1015.',
      'Answer with the same code, send nothing after it, and end the socket: the server ends first.',
    ],
    ids: ['6455-5.4-5', '6455-5.5.1-6', '6455-5.5.1-7', '6455-5.5.1-8', '6455-5.5.2-2', '6455-7.1.7-5', '6455-10.7-3'],
    see: 'q-who-closes',
    code: 'src/protocol/connection.ts',
    test: 'test/protocol/connection-close.test.ts',
  },
  {
    title: 'permessage-deflate',
    goal: 'the server agrees to compression, and reads compressed messages',
    where: ['checkHeader', 'agreesToDeflate', 'inflate'],
    hints: [
      'The offer is a list in Sec-WebSocket-Extensions; agree with the words in DEFLATE. What you send may stay as it is.',
      'RSV1 on the first frame of a message says that it is compressed, and may stand nowhere else.',
      'A flush ends with 00 00 ff ff, which the sender leaves out: put it back. Some bytes inflate to a thousand times as many: say how much may come out.',
    ],
    ids: ['7692-5-1', '7692-6.1-4', '7692-6.2-1', '7692-6.2-2', '7692-7.2.2-11'],
    see: 'compressed',
    code: 'src/extensions/permessage-deflate/inflating-decoder.ts',
    test: 'test/extensions/receiving.test.ts',
  },
]
