import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CliError } from '../../src/cli/command.ts'
import { explainCommand } from '../../src/cli/explain.ts'
import { serializeSession } from '../../src/inspector/session.ts'
import { catalogue } from '../inspector/catalogue.ts'
import { cliArguments, ROOT, run } from '../support/child.ts'
import { concat } from '../support/chunkings.ts'
import { type ClientFrame, clientFrame } from '../support/client-frames.ts'
import { hex, toHex } from '../support/hex.ts'
import { readmeBlocks } from '../support/readme.ts'

const HELLO = '81 85 37 fa 21 3d 7f 9f 4d 51 58'

interface Outcome {
  readonly code: number
  readonly stdout: string
}

/** Runs the command in this process. */
async function explain(...args: string[]): Promise<Outcome> {
  let stdout = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text)
    return true
  })
  try {
    return { code: await explainCommand.run(args), stdout }
  } finally {
    write.mockRestore()
  }
}

let folder: string
let files = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-explain-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function file(content: string | Uint8Array): string {
  const path = join(folder, `input-${files++}`)
  writeFileSync(path, content)
  return path
}

/** The text of the message that was found. */
async function messageIn(...args: string[]): Promise<string> {
  const { stdout } = await explain('--json', ...args)
  return JSON.parse(stdout)
    .messages.map(({ text }: { text: string }) => text)
    .join()
}

const XXD = `00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n`
const HEXDUMP = `00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 |..7.!=..MQX|\n0000000b\n`
const OD = `0000000 81 85 37 fa 21 3d 7f 9f\n0000010 4d 51 58\n0000013\n`
const TSHARK_X = `0000  81 85 37 fa 21 3d 7f 9f 4d 51 58                  ..7.!=..MQX\n`

describe('framewright explain', () => {
  it.each([
    ['spaced', HELLO],
    ['in one piece', HELLO.replaceAll(' ', '')],
    ['with 0x', HELLO.replace(/(\S+)/g, '0x$1')],
    ['with commas', HELLO.replace(/(\S+) /g, '0x$1, ')],
    ['with colons', HELLO.replaceAll(' ', ':')],
    ['as an escaped string', HELLO.replace(/(\S+) ?/g, '\\x$1')],
    ['as base64', 'gYU3+iE9f59NUVg='],
    ['as xxd prints it', XXD],
    ['as hexdump -C prints it', HEXDUMP],
    ['as od -tx1 prints it', OD],
    ['as tshark -x prints it', TSHARK_X],
  ])('reads bytes %s, from arguments and from a file', async (_name, text) => {
    expect(await messageIn(text)).toBe('Hello')
    expect(await messageIn('--file', file(text))).toBe('Hello')
  })

  it('reads several arguments as one', async () => {
    expect(await messageIn(...HELLO.split(' '))).toBe('Hello')
  })

  it('reads raw bytes from a file, and those that happen to be digits when told so', async () => {
    expect(await messageIn('--file', file(hex(HELLO)))).toBe('Hello')
    const { stdout } = await explain('--json', '--format', 'raw', '--file', file('8185'))
    expect(JSON.parse(stdout).units[0].at).toBe(0)
    expect(JSON.parse(stdout).units.at(-1).end).toBe(4)
  })

  it('reads longer dumps line by line', async () => {
    const text = 'x'.repeat(100)
    const bytes = clientFrame({ opcode: 1, payload: text })
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += 16) {
      const row = bytes.subarray(at, at + 16)
      const words = Buffer.from(row)
        .toString('hex')
        .replace(/(.{4})/g, '$1 ')
        .trim()
      lines.push(`${at.toString(16).padStart(8, '0')}: ${words.padEnd(39)}  ${'.'.repeat(row.length)}`)
    }
    expect(await messageIn('--file', file(`${lines.join('\n')}\n`))).toBe(text)
  })

  it('reads a recorded session, and explains both directions', async () => {
    const session = serializeSession({
      header: { format: 'framewright-session', v: 1, start: 'frames', note: 'grüße' },
      events: [
        { kind: 'bytes', atMs: 0, direction: 'c2s', bytes: hex('81 85 37 fa') },
        { kind: 'bytes', atMs: 1, direction: 'c2s', bytes: hex('21 3d 7f 9f 4d 51 58') },
        { kind: 'bytes', atMs: 2, direction: 's2c', bytes: hex('81 02 68 69') },
      ],
    })
    const { code, stdout } = await explain('--json', '--file', file(session))
    const { c2s, s2c } = JSON.parse(stdout)
    expect([code, c2s.messages[0].text, s2c.messages[0].text]).toEqual([0, 'Hello', 'hi'])
  })

  it('finds a wrong accept value and 14 broken frames in the text of tshark', async () => {
    const request =
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
    const response =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n'
    const broken: ReadonlyArray<readonly [id: string, ...frames: ClientFrame[]]> = [
      ['6455-5.1-2', { opcode: 1, payload: 'plain', maskingKey: null }],
      ['6455-5.2-3', { opcode: 1, rsv: 4 }],
      ['6455-5.2-3', { opcode: 1, rsv: 2 }],
      ['6455-5.2-3', { opcode: 1, rsv: 1 }],
      ['6455-5.2-4', { opcode: 3 }],
      ['6455-5.2-4', { opcode: 11 }],
      ['6455-5.4-2', { opcode: 9, fin: false }],
      ['6455-5.5-1', { opcode: 9, payload: new Uint8Array(126) }],
      ['6455-5.4-14', { opcode: 0 }],
      ['6455-5.4-4', { opcode: 1, fin: false }, { opcode: 1 }, { opcode: 0 }],
      ['6455-5.2-6', { opcode: 1, lengthBits: 16 }],
      ['6455-5.2-6', { opcode: 1, lengthBits: 64 }],
      ['6455-8.1-1', { opcode: 1, payload: Uint8Array.of(0xff) }],
      ['6455-7.4.1-3', { opcode: 8, payload: Uint8Array.of(3, 0xed) }],
    ]
    const digits = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    const text = [
      '',
      '='.repeat(67),
      'Follow: tcp,raw',
      'Filter: tcp.stream eq 0',
      'Node 0: 127.0.0.1:50000',
      'Node 1: 127.0.0.1:8080',
      digits(Buffer.from(request)),
      `\t${digits(Buffer.from(response))}`,
      ...broken.flatMap(([, ...frames]) => frames.map((frame) => digits(clientFrame(frame)))),
      '='.repeat(67),
      '',
    ].join('\n')
    const { code, stdout } = await explain('--json', '--file', file(text))
    const { c2s, s2c } = JSON.parse(stdout)
    const ids = (annotation: { units: Array<{ verdicts: Array<{ id: string }> }> }) =>
      annotation.units.flatMap(({ verdicts }) => verdicts.map(({ id }) => id))
    expect(code).toBe(1)
    expect(ids(s2c)).toEqual(['6455-4.1-41'])
    expect(ids(c2s)).toEqual(broken.map(([id]) => id))
    expect(ids(c2s)).toHaveLength(14)
  })

  it.each(catalogue)('names $id in its JSON for $name, and exits with 1', async ({ id, bytes, context }) => {
    const { direction, start = 'auto', extensions, maxPayload } = context
    const limits = maxPayload === undefined ? [] : ['--max-payload', String(maxPayload)]
    const agreed = extensions === undefined ? [] : ['--extensions', extensions]
    const { request, maxFragments } = context
    // What a lone direction on the command line cannot say.
    if (request !== undefined || maxFragments !== undefined) return
    const args = ['--direction', direction, '--start', start, ...agreed, ...limits]
    const { code, stdout } = await explain('--json', ...args, toHex(bytes))
    const found = JSON.parse(stdout).units.flatMap((unit: { verdicts: Array<{ id: string }> }) => unit.verdicts)
    expect(found.map((verdict: { id: string }) => verdict.id)).toEqual([id])
    expect(code).toBe(1)
  })

  it('prints JSON that its schema describes', async () => {
    const schema = JSON.parse(readFileSync(`${ROOT}src/inspector/schema/annotation.schema.json`, 'utf8'))
    const validate = new Ajv2020.default({ allowUnionTypes: true }).compile(schema)
    const { stdout } = await explain('--json', HELLO)
    expect([validate(JSON.parse(stdout)), validate.errors]).toEqual([true, null])
  })

  it('says what the receiver must do, and what would mend it', async () => {
    const { stdout } = await explain('--direction', 'c2s', '81 05 48 65 6c 6c 6f')
    expect(stdout).toContain('the server MUST fail the connection (6455-5.1-2); it MAY send Close 1002 (6455-5.1-3)')
    expect(stdout).toContain('mended by: 05 → 85 sets the mask bit')
    expect(stdout).toContain('── the server stops here, Close 1002 ──')
  })

  it('judges the same bytes by who receives them', async () => {
    expect((await explain('--role', 'client', '81 05 48 65 6c 6c 6f')).code).toBe(0)
    expect((await explain('--role', 'server', '81 05 48 65 6c 6c 6f')).code).toBe(1)
  })

  it('computes the accept value of a request step by step', async () => {
    const { stdout } = await explain(
      '--file',
      file(concat(...catalogue.filter(({ name }) => name === 'version 8').map(({ bytes }) => bytes))),
    )
    expect(stdout).toContain('b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea')
    expect(stdout).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  it('inflates what is compressed', async () => {
    const { stdout } = await explain('-d', 's2c', '-x', 'permessage-deflate', 'c1 07 f2 48 cd c9 c9 07 00')
    expect(stdout).toContain('inflates 7 B to 5 B')
    expect(stdout).toContain('“Hello”')
  })

  it.each([
    [
      'HTTP text',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex'),
      'wrote HTTP onto a socket that was upgraded',
    ],
    ['a TLS record', '16 03 01 02 00 01 00 01', 'a TLS record'],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').toString('hex'), 'the preface of HTTP/2'],
  ])('says of %s that it is no WebSocket', async (_name, digits, words) => {
    const { code, stdout } = await explain('--direction', 'c2s', digits)
    expect(code).toBe(1)
    expect(stdout).toContain(words)
  })

  it('escapes what the peer wrote', async () => {
    const { stdout } = await explain(toHex(clientFrame({ opcode: 1, payload: '\u001b[31mred\u0007' })))
    expect(stdout.includes('\u0007') || stdout.includes('\u001b')).toBe(false)
  })

  it.each([
    [['zz'], '"zz" is neither hex nor base64: "z" is no hex digit'],
    [['818'], '3 hex digits are no whole number of bytes'],
    [['--direction', 'up', '81'], '--direction takes c2s, s2c, not "up"'],
    [['--direction', 'c2s', '--role', 'client', '81'], 'leave one of them out'],
    [['--extensions', ';;', '81'], 'extensions: Sec-WebSocket-Extensions is ";;"; that is no extension-list'],
    [['--start', 'frames', '81'], 'start "frames" needs a direction'],
    [['--format', 'raw', '81'], '--format raw takes a file or a pipe'],
    [['--format', 'yaml', '81'], '--format takes auto, hex, base64, raw, tshark, session, not "yaml"'],
    [['--max-payload', 'x', '81'], '--max-payload takes a number of bytes, not "x"'],
    [['--file', '/nowhere/at/all'], 'cannot read /nowhere/at/all'],
    [['--nothing'], "unknown option '--nothing'"],
  ])('answers %j with a usage error', async (args, message) => {
    const error = await explain(...args).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(CliError)
    expect((error as CliError).exitCode).toBe(2)
    expect((error as CliError).message).toContain(message)
  })

  it('has a help that names every option', async () => {
    const { code, stdout } = await explain('--help')
    expect(code).toBe(0)
    for (const option of [
      '--file',
      '--format',
      '--direction',
      '--role',
      '--start',
      '--extensions',
      '--max-payload',
      '--json',
    ])
      expect(stdout).toContain(option)
  })
})

describe('framewright explain, as a program', () => {
  it('prints what README.md shows, without colours where nobody sees them', async () => {
    const { code, stdout } = await run(process.execPath, cliArguments('explain', ...HELLO.split(' ')), { ms: 60_000 })
    expect(code).toBe(0)
    const [command, ...output] = readmeBlocks()
      .find(({ language }) => language === 'console')!
      .code.split('\n')
    expect(command).toBe(`$ npm run framewright -- explain ${HELLO}`)
    expect(stdout).toBe(output.join('\n'))
  })

  it('paints where colours are wanted, and answers to decode and to a pipe', async () => {
    const env = { ...process.env, FORCE_COLOR: '1', NO_COLOR: '' }
    const { code, stdout } = await run(process.execPath, cliArguments('decode', '-'), { ms: 60_000, env, input: HELLO })
    expect(code).toBe(0)
    expect(stdout).toContain('\u001b[')
  })
})
