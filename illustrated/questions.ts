/* What people ask most often, each answered in a few sentences and by a place on the page. Markup and rules as in `prose.ts`. */

/** One question. */
export interface Question {
  /** Its anchor. */
  readonly name: string
  readonly question: string
  readonly answer: string
}

/** In the order of a connection's life, as far as there is one. */
export const questions: readonly Question[] = [
  {
    name: 'random-bytes',
    question: 'Why do I get random bytes from the browser?',
    answer:
      'They are masked. The four bytes behind the length are a key; XOR payload byte i with key byte i mod 4. In the [Pong](#pong) the columns show it, wire above and plain below. If it is still no text then, the frame has RSV1 and the message is [compressed](#greeting).',
  },
  {
    name: 'lengths',
    question: 'Where does the payload begin, and why does my parser break at 126 or at 65,536?',
    answer:
      'Behind a header of two to fourteen bytes. Up to 125 the seven bits of length are the length itself; 126 in them means that two bytes follow, 127 that eight do; the key, if there is one, comes after those. The [compressed message](#compressed) has the two bytes, the [greeting](#greeting) has none. In JavaScript `<<` works in 32 bits, with a sign: multiply, or use BigInt. One bit too few, and [everything behind it is off](#one-byte-less).',
  },
  {
    name: 'bit-order',
    question: 'Which bit is bit 0?',
    answer:
      'The most significant one, in the RFC and on this page: FIN is bit 0 and has the value 128, and the opcode is the low half of the byte. Lengths and close codes of several bytes are big-endian, [like the length here](#compressed). Bit-fields of C are laid out as the compiler likes, so use shifts and masks.',
  },
  {
    name: 'why-mask',
    question: 'Why are frames masked, why in one direction only, and why inside TLS?',
    answer:
      'So that a page cannot choose the bytes that its browser writes, and thereby fool an old proxy: [the reason in full](#greeting). A server does not run foreign code, so its frames are [plain](#fragment). It is no encryption, for the key stands beside the data, and [no checksum](#key-bit). Inside TLS there is little left to protect, and the rule holds all the same: one wire format. A [client without a mask](#unmasked-client) and a [server with one](#masked-server) are both thrown out.',
  },
  {
    name: 'reads',
    question: 'Is one TCP read one frame?',
    answer:
      'No. TCP is a stream: a read may bring half a header, or three frames and a half. In [the session](#session) the first fragment, the Ping and the continuation left in one write, and may arrive in one read or, byte by byte, in forty-two. A parser keeps its state between reads: how far the header is, how many bytes are still to come, [where in the key it stands](#greeting), and what inflating has seen.',
  },
  {
    name: 'glued',
    question: 'My first message is lost. Where is it?',
    answer:
      'Glued to the handshake. The head ends with an [empty line](#response), and the next byte of the same read may be a frame. Whatever the HTTP parser has read too far is the beginning of the WebSocket stream; Node gives it to an `upgrade` listener as `head`.',
  },
  {
    name: 'frame-or-message',
    question: 'Is a frame a message?',
    answer:
      'A message is one frame or many. [The first](#fragment) names the type, [the last](#continuation) has FIN, and there is no limit to a message but the one that you set. Control frames may stand between: the [Ping](#ping) here is in the middle of a text and no part of it.',
  },
  {
    name: 'rsv1',
    question: 'What does “RSV1 must be clear” mean, or “RSV1 must be set”?',
    answer:
      'RSV1 means compressed, if and only if permessage-deflate stands in the [response](#response). One side compresses and the other does not know of it, or [the other way round](#not-compressed); a proxy that drops the extension line of the head does it. Or it was no frame: where HTTP text arrives on an upgraded socket, the H of its first word reads as FIN 0, RSV1 1, opcode 8.',
  },
  {
    name: '1005-1006',
    question: 'Who sends 1005 and 1006?',
    answer:
      'Nobody. They never stand on the wire: 1005 says that the Close had [no code](#close), 1006 that [no Close came](#close-answer) before the connection was gone. A browser also says 1006 when it failed the connection itself, so the cause is in what it sent to the server. A [bad code](#close-1004) breaks the protocol.',
  },
  {
    name: 'who-closes',
    question: 'Who closes, and in which order?',
    answer:
      'Either side sends [Close](#close), the other [answers with Close](#close-answer), and then the server ends TCP, whoever began: Close, Close, [server FIN](#fin). The client waits for that.',
  },
  {
    name: 'ping',
    question: 'How do I send a Ping from the browser?',
    answer:
      'You cannot: there is no call for it, and developer tools show neither Ping nor Pong. A server sends the [Ping](#ping), and the browser [answers it by itself](#pong). A text “ping” is [a message](#greeting) like any other, and so is an empty one.',
  },
  {
    name: 'key',
    question: 'What are the key and the GUID for?',
    answer:
      'They show that the answer was made for this request, by something that knows WebSocket. They authenticate nobody, encrypt nothing, and do not stop a foreign page. [How the value is made](#accept): the key as the text that it is, not decoded, and no line end behind it. [One wrong bit](#other-accept), and the client hangs up.',
  },
  {
    name: 'text-binary',
    question: 'Text or binary, and what has UTF-8 to do with it?',
    answer:
      'The opcode of the first frame says it. Text must be UTF-8, [as a whole](#continuation): a character may be cut by the border of a fragment, so decode with a decoder that carries the half over. Bytes that are no text go as binary. Not-quite UTF-8 ends the connection with 1007, in a [message](#not-compressed) and in the [reason of a Close](#half-a-character).',
  },
  {
    name: 'invalid-header',
    question: 'What does “Invalid frame header” want to tell me?',
    answer:
      'That the browser read a header where there was none, or a wrong one. Something wrote to the socket beside the WebSocket code, two writers mixed their frames ([message in message](#text-in-text)), a [length was wrong](#one-byte-less), an [opcode](#opcode-3) or a [reserved bit](#rsv2) is not defined, a control frame [was cut in pieces](#ping-in-pieces), or a [server masked](#masked-server). Paste what the server really sent into Explain: every block here has a link to it.',
  },
  {
    name: 'origin',
    question: 'Does CORS protect my socket?',
    answer:
      'No. A page of any origin can open a WebSocket to your server, and the browser adds your cookies. It sends [Origin](#request) too, and your server has to look at it. Programs that are no browsers can write there what they like, so it guards users against pages, not servers against programs.',
  },
]
