/*
 * The words of the page. What stands in bytes is never typed here: it is computed, and a test looks that no hex digit slips in.
 *
 * Markup: `code`, **bold**, [text](#anchor). In a lead, {text} stands for the message of the part.
 */
import type { PartName } from './parts.ts'

/** What is said of one head or frame. */
export interface PartProse {
  readonly title: string
  /** What happens, in a sentence or two. */
  readonly lead: string
  /** The rules at work: keys of {@link why}. */
  readonly rules: readonly string[]
}

/** By part of the session. */
export const partProse: Readonly<Record<PartName, PartProse>> = {
  request: {
    title: 'The client asks',
    lead: 'A WebSocket connection begins as an HTTP request. Everything that speaks HTTP on the way, proxies and load balancers included, can read it; that is why it looks like this. Of its lines WebSocket needs six, may use two more, and must ignore the rest.',
    rules: ['6455-4.2.1-6', '6455-4.2.1-7', '6455-4.2.1-8', '6455-4.2.1-9', '6455-10.2-1', '6455-4.2.1-12'],
  },
  response: {
    title: 'The server agrees',
    lead: 'One status line, and the proof that whoever wrote it understood the question. The empty line at the end is the border: the very next byte, even in the same read, is a frame.',
    rules: ['6455-4.2.2-14', '6455-4.2.2-17', '6455-4.2.2-12', '6455-4.2.2-19', '6455-5.2-8'],
  },
  greeting: {
    title: '“Hello”, masked and compressed',
    lead: 'The page called `send("Hello")`. Five letters became {size} bytes of payload, because permessage-deflate was agreed and Chromium compresses whatever it sends; then all of them were masked. To read it, undo that in the opposite order: unmask, then inflate.',
    rules: ['6455-5.1-1', '6455-5.3-2', '6455-5.3-5', '6455-5.3-6', '6455-5.2-3', '7692-7.2.1-15'],
  },
  fragment: {
    title: 'A message begins, and does not end',
    lead: 'The server answers with one message in two frames. This is the first: it names the type, text, and leaves FIN clear. What stands in the payload is plain to see: a server never masks, and this message is too short to be worth compressing.',
    rules: ['6455-5.1-4', '6455-5.4-12', '6455-5.4-13'],
  },
  ping: {
    title: 'A Ping between the fragments',
    lead: 'The message before is still open, and that is no obstacle: a control frame may stand between any two fragments. It belongs to no message, so nothing of it is appended to the text.',
    rules: ['6455-5.4-1', '6455-5.4-5', '6455-5.5-1', '6455-5.5-2'],
  },
  continuation: {
    title: 'The message ends',
    lead: 'Opcode 0, continuation: the type is that of the first fragment, and FIN says that this is the last one. Only now does the page get its event, one, with the whole text: “{text}”',
    rules: ['6455-5.4-14', '6455-5.4-4', '6455-5.6-1'],
  },
  pong: {
    title: 'Chromium answers the Ping',
    lead: 'No line of the page did this, and no line of it can see it: the browser answers by itself, with exactly the bytes that it was asked with. They are masked like everything that a client sends. Column by column: the byte on the wire, XOR the byte of the key, is the plain byte.',
    rules: ['6455-5.5.2-2', '6455-5.5.3-1', '6455-5.3-4'],
  },
  compressed: {
    title: 'A message worth compressing',
    lead: 'RSV1 on the first frame says that the payload is DEFLATE data. It is too long for seven bits of length, so those hold 126, and the length stands in the two bytes behind them, most significant byte first. Inflated it is {inflated} bytes of JSON: {text}',
    rules: ['6455-5.2-6', '6455-5.2-9', '7692-6.1-1', '7692-7.2.1-15'],
  },
  close: {
    title: 'The page says goodbye',
    lead: 'The page called `close(1000, "done")`. A Close frame carries two bytes of status code, then perhaps a reason in UTF-8; both are payload, so both are masked here. After it the client sends no data any more.',
    rules: ['6455-5.5.1-2', '6455-5.5.1-5', '6455-5.5.1-6', '6455-7.4.1-3'],
  },
  'close-answer': {
    title: 'The server answers, and hangs up',
    lead: 'A Close is answered with a Close, here with the code echoed. Now both sides have said and heard it, and it is the server that ends TCP: its FIN comes first, the client’s follows. The page hears code 1000 with the empty reason of this frame; “done” was for the server.',
    rules: ['6455-5.5.1-7', '6455-5.5.1-11', '6455-7.1.1-3', '6455-5.5.1-12', '6455-7.1.5-3'],
  },
}

/** Why there is this rule: by requirement. */
export const why: Readonly<Record<string, string>> = {
  '6455-4.2.1-6':
    'HTTP/1.1 has a way to leave HTTP: the client names in Upgrade what it wants to speak instead. Names of protocols are compared without regard to case.',
  '6455-4.2.1-7':
    'Upgrade speaks to the next hop only, and this line says so. A proxy that does not pass both lines on breaks the handshake; nginx, for instance, has to be told to.',
  '6455-4.2.1-8':
    'Sixteen random bytes, new for each connection. They are no password and keep nobody out: they make sure that the answer was made for this request, by something that speaks WebSocket, and does not come from a cache.',
  '6455-4.2.1-9':
    'There is one version that was ever finished, 13. A server that is asked for another one says so and names those it has.',
  '6455-10.2-1':
    'CORS does not guard a WebSocket: a browser lets any page open one to any host, with the cookies of that host. It does say where the page comes from, and it is for the server to look. Ours accepts this origin because it is on its list.',
  '6455-4.2.1-12':
    'What a server does not know, it must pass over. The user agent, caches and languages are HTTP’s affair.',
  '6455-4.2.2-14': 'Only 101 means yes. Any other status is an ordinary HTTP answer, and no frame follows it.',
  '6455-4.2.2-17':
    'The text of the key, not its decoded bytes, is joined with a fixed GUID and hashed. There is no secret in it, and SHA-1 need not be strong here: no server that does something else would come upon this value.',
  '6455-4.2.2-12':
    'The client offered compression and may be held to a window; the server takes the offer and fixes the parameters. What was not offered cannot be agreed on.',
  '6455-4.2.2-19':
    'Bytes of frames may arrive in the same read as the head, on both sides. An HTTP parser that is thrown away after the head, with what it had read too far, loses the first message.',
  '6455-5.2-8': 'RSV1 will mean “compressed” on this connection, and it does only because of this line.',
  '6455-5.1-1':
    'Not for secrecy: the key stands beside the data. A page chooses what its browser sends, so it could write bytes onto the wire that an old proxy takes for an HTTP request, and poison its cache. With a key that the page cannot know in advance, it no longer chooses the bytes. That is a danger of proxies, and inside TLS there is hardly one; the rule has no exception all the same, so that no parser needs one.',
  '6455-5.3-2': 'One key for all frames could be learned from the first and used against the rest.',
  '6455-5.3-4':
    'Three frames of the client stand on this page, with three keys that have nothing to do with each other.',
  '6455-5.3-5':
    'Payload byte i goes with key byte i mod 4. The count goes on when a frame arrives in pieces: it begins again with the frame, never with the read.',
  '6455-5.3-6': 'The four bytes of key are part of the header. The length counts the payload and nothing else.',
  '6455-5.2-3':
    'The three reserved bits are clear unless an extension has been agreed on that uses them. “RSV1 must be clear” in a log means that one side compresses and the other knows nothing of it, or that what came is no frame at all: the H of an HTTP response has exactly this bit set.',
  '6455-5.1-4':
    'A server cannot be misused as a page can, so its frames are plain, and a client that gets a masked one must hang up.',
  '6455-5.4-12': 'All fragments have the type of the first; the later ones have opcode 0 and say nothing.',
  '6455-5.4-13':
    'Borders of frames carry no meaning, and whoever forwards a message may draw them anew. So APIs hand out messages. Borders of TCP reads mean even less: the next two frames came in the same write as this one.',
  '6455-5.4-1':
    'Otherwise a connection that is busy with a long message could not be asked whether it lives, and could not be closed.',
  '6455-5.4-5': 'Whoever reads fragments keeps the open message aside and handles the control frame at once.',
  '6455-5.5-1': 'At most 125 bytes, so that seven bits of length always do, and that nobody has to make room for one.',
  '6455-5.5-2': 'They stand between fragments, so they must not have fragments themselves.',
  '6455-5.4-14':
    'A continuation needs an open message, and it goes on with that message: not with “the frame before”, which here was a Ping.',
  '6455-5.4-4':
    'There is one open message per direction. Its end must come before the next beginning; who wants to interleave needs a protocol of his own on top.',
  '6455-5.6-1':
    'The text must be UTF-8 as a whole. A fragment may end in the middle of a character, so a decoder carries the half over the border.',
  '6455-5.5.2-2':
    'JavaScript in a browser can neither send a Ping nor see one, and neither do developer tools show them. A text message that says “ping” is a message like any other.',
  '6455-5.5.3-1': 'The payload says which Ping is answered, and gives a round trip to measure.',
  '6455-5.2-6':
    'A length has exactly one way to be written: the shortest. So nobody can hide the same message behind different bytes.',
  '6455-5.2-9':
    'Network order, as for everything else in the IETF. The flags before it are single bits, where the question does not arise: bit 0 is the most significant one.',
  '7692-6.1-1':
    'RSV1 stands on the first frame of a message and holds for the whole of it. Control frames are never compressed.',
  '7692-7.2.1-15':
    'The end of the DEFLATE data is always the same four bytes, an empty block. They are left out on the wire, and the receiver puts them back before it inflates. “Hello” is the example of the RFC itself.',
  '6455-5.5.1-2':
    'Network order again. One byte alone is no status code, and so a Close of one byte breaks the protocol.',
  '6455-5.5.1-5': 'The mask is a matter of direction, not of opcode.',
  '6455-5.5.1-6': 'Whoever has said Close has nothing to add. It may still have to listen.',
  '6455-7.4.1-3':
    '1005 and 1006 are words that an endpoint uses to its own application: “no code came” and “no Close came”. No peer sends them, and `close(1006)` must not be possible.',
  '6455-5.5.1-7': 'So that each side knows that the other has read everything before it.',
  '6455-5.5.1-11': 'Close, Close, server FIN: the server does not wait for anything any more.',
  '6455-7.1.1-3':
    'Who ends TCP first keeps the connection in TIME_WAIT for minutes. A server can afford that, and a client that wants the same port again cannot.',
  '6455-5.5.1-12': 'The client waits for this FIN, and hangs up by itself only when none comes.',
  '6455-7.1.5-3':
    'Had the FIN come without a Close frame before it, the page would have heard 1006: nobody said goodbye, and why is not known.',
}
