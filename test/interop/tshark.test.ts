import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { pcapngOf } from '../../src/inspector/record/pcapng.ts'
import { Recorder } from '../../src/inspector/record/recorder.ts'
import { run } from '../support/child.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { DEADLINE_MS } from '../support/deadline.ts'
import { describeWith, itWith, programPath } from '../support/programs.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

describeWith('tshark', 'a recorded connection as pcapng', () => {
  itWith(
    'tshark',
    'is read back: handshake, frames unmasked, chunk borders, checksums, verdicts as comments',
    async () => {
      await using server = await TestServer.start()
      const recorder = new Recorder()
      server.server.observe(recorder)
      using raw = await RawSocket.connect(server.port)
      await raw.write(upgradeRequest(server.port))
      await raw.readUntil('\r\n\r\n')
      const hello = clientText('Hello')
      await raw.write(hello.subarray(0, 4))
      await vi.waitUntil(() => recorder.connections[0]!.summary.bytes.c2s > upgradeRequest(server.port).length, {
        timeout: DEADLINE_MS,
      })
      await raw.write(hello.subarray(4))
      await raw.read(7)
      await raw.write(clientFrame({ opcode: 2, payload: Buffer.alloc(100_000) }))
      await raw.read(100_010)
      await raw.write(clientFrame({ opcode: 3, payload: 'x' }))
      await raw.readToEnd()
      raw.socket.end()
      const [connection] = recorder.connections
      await vi.waitUntil(() => connection!.isOver, { timeout: DEADLINE_MS })

      const folder = mkdtempSync(join(tmpdir(), 'framewright-'))
      const path = join(folder, 'connection.pcapng')
      try {
        writeFileSync(path, pcapngOf(connection!))
        const fields = [
          'tcp.len',
          'tcp.checksum.status',
          'ip.checksum.status',
          'websocket.payload.text',
          'frame.comment',
        ]
        const args = [
          ...['-r', path, '-d', `tcp.port==${server.port},http`, '-T', 'fields', '-E', 'separator=|'],
          ...['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'],
          ...['-e', '_ws.col.Protocol', '-e', 'websocket.opcode', ...fields.flatMap((field) => ['-e', field])],
        ]
        const { code, stdout } = await run(programPath('tshark'), args, { ms: DEADLINE_MS })
        expect(code).toBe(0)
        const rows = stdout
          .trimEnd()
          .split('\n')
          .map((line) => line.split('|'))
        expect(rows.slice(0, 3).map(([protocol]) => protocol)).toEqual(['TCP', 'TCP', 'TCP'])
        expect(rows.slice(3, 5).map(([protocol]) => protocol)).toEqual(['HTTP', 'HTTP'])
        // Every checksum is good.
        for (const row of rows) expect([row[3], row[4]]).toEqual(['1', '1'])
        // The chunk borders: a frame that was cut in two.
        expect(rows.slice(5, 7).map((row) => Number(row[2]))).toEqual([4, hello.length - 4])
        expect(rows[6]!.slice(0, 2)).toEqual(['WebSocket', '1'])
        expect(rows.some((row) => row[6]?.includes('6455-5.2-4 ReservedOpcode'))).toBe(true)
        const analysis = await run(programPath('tshark'), ['-r', path, '-Y', 'tcp.analysis.flags'], { ms: DEADLINE_MS })
        expect(analysis.stdout).toBe('')
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )
})
