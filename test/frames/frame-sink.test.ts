import { describe, expect, it } from 'vitest'
import { NOBODY } from '../../src/frames/frame-sink.ts'
import { FrameParser } from '../../src/frames/parser.ts'
import { concat } from '../support/chunkings.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'

describe('NOBODY', () => {
  it('takes everything that a parser may say', () => {
    const parser = new FrameParser(NOBODY, { role: 'server' })
    const ping = clientFrame({ opcode: 0x9, payload: Uint8Array.of(1) })
    const parts = [clientText('whole'), clientText('in pieces'), ping, hex('ff ff')]
    expect(() => {
      for (const part of parts) parser.parse(part.slice())
      const again = new FrameParser(NOBODY, { role: 'server' })
      for (const byte of concat(...parts)) again.parse(Uint8Array.of(byte))
    }).not.toThrow()
  })
})
