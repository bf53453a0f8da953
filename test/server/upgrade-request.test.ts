import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { RequestHeadReader } from '../../src/handshake/head-reader.ts'
import { RawUpgradeRequest } from '../../src/server/upgrade-request.ts'

describe('RawUpgradeRequest', () => {
  it.each([
    ['no field at all', ''],
    [
      'fields, some twice, one empty, one not ASCII',
      'Host: a\r\nCookie: a=1\r\ncookie: b=2\r\nX-Empty:\r\nX-\u0061: \u00e9\r\n',
    ],
  ])('says the same once it is packed: %s', (_, fields) => {
    const reader = new RequestHeadReader()
    const head = reader.receive(Buffer.from(`GET /chat?x=1 HTTP/1.1\r\n${fields}\r\n`, 'latin1'))!
    const socket = new PassThrough()
    const fresh = new RawUpgradeRequest(head, reader.text, socket)
    const packed = new RawUpgradeRequest(head, reader.text, socket)
    packed.pack()
    packed.pack()
    for (const member of ['method', 'url', 'httpVersion', 'headers', 'rawHeaders', 'socket'] as const) {
      expect(packed[member], member).toEqual(fresh[member])
    }
  })
})
