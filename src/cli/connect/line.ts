/** What a line that was typed asks for. */
export type Request =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Buffer }
  | { readonly kind: 'ping' | 'pong'; readonly data: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'help' | 'quit' }
  /** The line cannot be done; `message` says what it should be. */
  | { readonly kind: 'mistake'; readonly message: string }

/** What can be typed. */
export const PROMPT_HELP = `  text                    send a text message; a second / sends one that starts with it: //home
  /binary <hex>           send a binary message: /binary 00 ff 10
  /ping [data]            send a Ping; its Pong is shown
  /pong [data]            send a Pong
  /close [code] [reason]  close, with 1000 unless told otherwise
  /quit                   close with 1000
  /help                   print this
`

/** Read a line that was typed. */
export function parseLine(line: string): Request {
  if (!line.startsWith('/')) return { kind: 'text', text: line }
  if (line.startsWith('//')) return { kind: 'text', text: line.slice(1) }
  const [, command, rest] = /^\/(\S*)\s*(.*)$/s.exec(line) as unknown as [string, string, string]
  switch (command) {
    case 'ping':
    case 'pong':
      return { kind: command, data: rest }
    case 'binary':
      return parseBinary(rest)
    case 'close':
      return parseClose(rest)
    case 'help':
    case 'quit':
      return { kind: command }
    default:
      return { kind: 'mistake', message: `no such command: /${command}; /help lists them` }
  }
}

function parseBinary(hex: string): Request {
  const digits = hex.replace(/\s+/g, '')
  if (digits.length % 2 === 1 || /[^\da-f]/i.test(digits)) {
    return { kind: 'mistake', message: '/binary takes bytes of two hex digits: /binary 00 ff 10' }
  }
  return { kind: 'binary', bytes: Buffer.from(digits, 'hex') }
}

function parseClose(rest: string): Request {
  if (rest === '') return { kind: 'close', code: 1000, reason: '' }
  const [, code, reason] = /^(\d{4})(?:\s+(.*))?$/s.exec(rest) ?? []
  if (code === undefined) {
    return { kind: 'mistake', message: '/close takes a status code and a reason: /close 4000 enough' }
  }
  return { kind: 'close', code: Number(code), reason: reason ?? '' }
}
