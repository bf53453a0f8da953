import { statusCodeLabel } from '../../frames/status-code.ts'
import type { HeadField, NoiseUnit, Span } from './types.ts'

/**
 * All prose of the annotations, by key. `{}` stands for the value. Pages and terminals show it; annotations carry the keys
 * only.
 */
export const prose: Readonly<Record<string, string>> = Object.freeze({
  'fin.0': 'more frames of this message follow',
  'fin.1': 'final frame of its message',
  'fin.control': 'a control frame is always whole',
  'rsv1.0': 'not compressed',
  'rsv1.1': 'compressed: the payload of the message is DEFLATE data',
  'rsv.0': 'unused',
  'rsv.1': 'set, and no extension gives it a meaning',
  'opcode.0': 'continuation: goes on with the open message',
  'opcode.1': 'text: the message is UTF-8',
  'opcode.2': 'binary: the message is any bytes',
  'opcode.8': 'close: starts or answers the closing handshake',
  'opcode.9': 'ping: asks for a pong with the same payload',
  'opcode.10': 'pong: answers a ping, or comes unasked',
  'opcode.reserved': 'reserved: nobody has defined it',
  'mask.0': 'not masked, as from a server',
  'mask.1': 'masked, as from a client: four bytes of key follow the length',
  length: '{} bytes of payload',
  'length.16': 'the length is in the next two bytes',
  'length.64': 'the length is in the next eight bytes',
  'length.extended': '{} bytes of payload, most significant byte first',
  key: 'payload byte i is XORed with key byte i mod 4',
  'payload.text': 'text: {}',
  'payload.binary': 'binary data',
  'payload.compressed': 'compressed data: joined with the other frames of its message, then inflated',
  'payload.control': 'application data of a control frame',
  'payload.unknown': 'data of a frame that has no meaning',
  'close.code': 'why the connection ends: {}',
  'close.reason': 'the reason in words: {}',
  cut: 'the input ends in this field',
  'head.method': 'the method; an opening handshake is a GET',
  'head.target': 'what is asked for: the resource name',
  'head.version': 'the version of HTTP',
  'head.status': 'the status; 101 accepts the upgrade',
  'head.reason': 'a phrase for people, without meaning',
  'head.space': 'a space between the parts of the line',
  'head.line-end': 'the end of a line: CR LF',
  'head.end': 'the empty line that ends the head: frames follow it',
  'head.blank': 'an empty line before the request, which is skipped',
  'head.name': 'name of a field; case does not matter',
  'head.colon': 'between name and value',
  'head.value': 'value of the field {}',
  'head.unread': 'not read: something before it is wrong, or it is cut',
  'head.fault': 'the byte that cannot stand here',
  'field.host': 'host, and perhaps port, that the client means',
  'field.upgrade': 'must name websocket, in any case',
  'field.connection': 'must have the token Upgrade: the upgrade is for this connection only',
  'field.sec-websocket-key': '16 random bytes in base64: no secret, it shows that the server speaks WebSocket',
  'field.sec-websocket-version': 'must be 13',
  'field.origin': 'where the page comes from; browsers send it, and the server decides',
  'field.sec-websocket-protocol': 'subprotocols: the client offers some, the server takes one of them',
  'field.sec-websocket-extensions': 'extensions: the client offers some, the server takes what it knows',
  'field.sec-websocket-accept': 'the hash of the key: shows that a WebSocket server has read it',
  'field.content-length': 'an opening handshake has no body',
  'field.transfer-encoding': 'an opening handshake has no body',
  'field.other': 'no part of WebSocket: ignored',
  'noise.http-request': 'an HTTP request where a frame should begin: the client does not speak WebSocket here',
  'noise.http-response':
    'an HTTP response where a frame should begin: something wrote HTTP onto a socket that was upgraded. Its H is read as a frame with RSV1 and opcode 8',
  'noise.http-body': 'the body of a response that refused the upgrade: no frames come',
  'noise.http2': 'the preface of HTTP/2: the client speaks HTTP/2 to a port for HTTP/1.1',
  'noise.tls':
    'a TLS record: the bytes are encrypted, or the client speaks wss to a port for ws. Take them behind the decryption',
  'noise.unreadable': 'not read: the head before it is no head',
})

/** Who answers it, in words. */
export function meaning(span: Span | HeadField | NoiseUnit): string {
  const text = prose[span.textKey] ?? ''
  if (!('value' in span)) return text
  if (span.textKey === 'close.code') return text.replace('{}', `${span.value}, ${statusCodeLabel(Number(span.value))}`)
  return text.replace('{}', () => String(span.value))
}

/** A section as people write it: `§5.2`, or `RFC 7692 §6` when it is not of RFC 6455. */
export function sectionLabel(ref: string): string {
  const [rfc, section] = split(ref)
  if (section === '') return ''
  return rfc === '6455' ? `§${section}` : `RFC ${rfc} §${section}`
}

/** Where the section, or that of a requirement, can be read. */
export function sectionLink(ref: string): string {
  const [rfc, section] = split(ref)
  return section === '' ? '' : `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section}`
}

/** `6455-5.2` and `6455-5.2-3` alike. */
function split(ref: string): [rfc: string, section: string] {
  const [rfc = '', section = ''] = ref.split('-')
  return [rfc, section]
}
