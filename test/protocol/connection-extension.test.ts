import { beforeEach, describe, expect, it } from 'vitest'
import { Connection } from '../../src/protocol/connection.ts'
import { ReadyState, TransportIntent } from '../../src/protocol/state.ts'
import { clientText } from '../support/client-frames.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'
import { RecordingListener } from '../support/recording-listener.ts'
import { type ScriptedEncoder, ScriptedExtension } from '../support/scripted-extension.ts'

let end: Endpoint
let encoder: ScriptedEncoder
let wakes: number

beforeEach(() => {
  const extension = new ScriptedExtension()
  wakes = 0
  end = new Endpoint('server', { extension }, (listener) =>
    Object.assign(listener, {
      woken: () => {
        wakes += 1
      },
    }),
  )
  encoder = extension.encoders[0]!
})

const wire = (): string => toHex(end.takeBytes())

describe('a connection with an extension', () => {
  it('counts what waits for a message that is encoded elsewhere, and says when it is in the output', () => {
    const { connection } = end
    connection.sendMessage('later')
    connection.sendMessage(hex('62 63'), true, false)
    expect([connection.waitingFrames, connection.waitingOutput, connection.releasedFrames]).toEqual([2, 7, 0])
    expect(connection.pendingOutput).toBe(0)
    encoder.finish()
    expect(wakes).toBe(1)
    expect([connection.waitingFrames, connection.waitingOutput, connection.releasedFrames]).toEqual([0, 0, 2])
    expect(wire()).toBe('c1 07 28 6c 61 74 65 72 29 82 02 62 63')
  })

  it('counts the bytes that the extension holds in both directions, and none without one', () => {
    const extension = new ScriptedExtension()
    const connection = new Connection(new RecordingListener(), { role: 'server', extension })
    extension.decoders[0]!.heldBytes = 100
    const before = connection.extensionBytes
    connection.sendMessage('later')
    expect(before).toBe(100 + extension.encoders[0]!.heldBytes)
    expect(new Connection(new RecordingListener(), { role: 'server' }).extensionBytes).toBe(0)
  })

  it('counts the bytes that the extension made of what came', () => {
    const extension = new ScriptedExtension()
    const connection = new Connection(new RecordingListener(), { role: 'server', extension })
    extension.decoders[0]!.cost = 7
    expect(connection.decodedBytes).toBe(0)
    connection.receive(clientText('ab'))
    connection.receive(clientText('cd'))
    expect(connection.decodedBytes).toBe(14)
  })

  it('hands on what the caller says of each message, and the time', () => {
    end.connection.sendMessage('a', false, false)
    end.connection.sendFragment('b', false, true, true)
    end.connection.rest(17)
    expect(encoder.calls).toEqual(['wants a text false', 'wants b text true', 'begin', 'encode b', 'rest 17'])
  })

  it('needs no listener for what was done elsewhere', () => {
    const extension = new ScriptedExtension()
    const connection = new Connection(new RecordingListener(), { role: 'server', extension })
    connection.sendMessage('later')
    extension.encoders[0]?.finish()
    expect(connection.pendingOutput).toBe(9)
  })

  it('ends its direction behind what waits, whoever began to close (§5.5.1, §7.1.1) [6455-5.5.1-8] [6455-7.1.1-3]', () => {
    end.connection.sendMessage('later')
    expect(end.connection.transportIntent).toBe(TransportIntent.None)
    end.receive(end.peerClose(1000))
    expect(end.connection.transportIntent).toBe(TransportIntent.ExpectClose)
    expect(wire()).toBe('')
    encoder.finish()
    expect(end.connection.transportIntent).toBe(TransportIntent.HalfClose)
    expect(wire()).toBe('c1 07 28 6c 61 74 65 72 29 88 02 03 e8')
  })

  it('forgets what waits when it is failed: the Close goes out at once (§7.1.7) [6455-7.1.7-5]', () => {
    end.connection.sendMessage('later')
    end.connection.fail({ id: 'app', statusCode: 1008, message: 'x' })
    expect(encoder.calls.at(-1)).toBe('close')
    expect(end.connection.waitingFrames).toBe(0)
    expect(end.connection.transportIntent).toBe(TransportIntent.HalfClose)
    expect(wire()).toBe('88 07 03 f0 61 70 70 20 78')
  })

  it('forgets what waits, the Close too, when the transport is gone', () => {
    end.connection.sendMessage('later')
    end.connection.close(1000)
    end.connection.transportClosed()
    expect(encoder.calls.at(-1)).toBe('close')
    expect([end.connection.waitingFrames, end.connection.pendingOutput]).toEqual([0, 0])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })
})
