import { HTTPParser } from 'node:_http_common'
import { RequestHeadReader } from '../../../src/handshake/head-reader.ts'
import { validateUpgrade } from '../../../src/handshake/server-handshake.ts'
import { outcome } from '../../handshake/heads.ts'
import { FuzzInput, must } from '../input.ts'

/** Node: the option in `Connection: Upgrade<HTAB>` is overlooked by llhttp, which then reads an ordinary request. */
const OVERLOOKED = /upgrade[ ]*\t/i

/** What Node's own strict parser makes of a head. */
function nodeAccepts(bytes: Uint8Array): boolean {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.REQUEST, {})
  let isComplete = false
  parser[HTTPParser.kOnHeadersComplete] = () => {
    isComplete = true
    return 2
  }
  const read = parser.execute(bytes, 0, bytes.length)
  parser.close()
  return isComplete && !(read instanceof Error)
}

/**
 * A request head: however it is cut the verdict is the same, only `HandshakeError` is thrown, and what is accepted is
 * accepted by Node's parser too.
 */
export function fuzz(data: Uint8Array): void {
  const input = new FuzzInput(data)
  const pieces = input.pieces()
  const whole = input.rest()
  const read = (chunks: readonly Uint8Array[]): unknown =>
    outcome(() => {
      const reader = new RequestHeadReader()
      for (const chunk of chunks) {
        const head = reader.receive(chunk)
        if (head !== null) return { key: validateUpgrade(head).key, head: head.fields }
      }
      return null
    })
  const [once, cut] = [read([whole.slice()]), read(pieces)]
  must(JSON.stringify(once) === JSON.stringify(cut), () => `${JSON.stringify(once)} became ${JSON.stringify(cut)}`)
  if (once === null || !('key' in (once as object))) return
  if (OVERLOOKED.test(Buffer.from(whole).toString('latin1'))) return
  must(nodeAccepts(whole), () => 'a head was accepted that Node refuses')
}
