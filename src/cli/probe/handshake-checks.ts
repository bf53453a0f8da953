import { type Check, type Finding, met, notMet, untested } from './check.ts'
import { type Answer, acceptFor, type Lab, type RequestParts, seenIn, valuesOf } from './lab.ts'

/** Checks of the opening handshake, RFC 6455 §4.2. */

const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

async function answerTo<T>(lab: Lab, request: string, judge: (answer: Answer) => T | Promise<T>): Promise<T> {
  const answer = await lab.ask(request)
  try {
    return await judge(answer)
  } finally {
    answer.peer.destroy()
  }
}

function accepted(ids: readonly string[], what: string, parts: RequestParts | ((lab: Lab) => RequestParts)): Check {
  return {
    ids,
    what,
    run: (lab) =>
      answerTo(lab, lab.request(typeof parts === 'function' ? parts(lab) : parts), (answer) =>
        answer.status === 101 ? met : notMet(`refused with ${seenIn(answer)}`),
      ),
  }
}

/** The request must not be accepted, §4.2.1; the answer should be an HTTP error, §10.7. */
function refused(ids: readonly string[], what: string, parts: RequestParts): Check[] {
  return [
    {
      ids: [...ids, '6455-4.2.1-1'],
      what,
      run: (lab) =>
        answerTo(lab, lab.request(parts), (answer) => (answer.status === 101 ? notMet('accepted with 101') : met)),
    },
  ]
}

/** A refusal of something that no server may accept, judged for how it is said. */
function refusal(
  ids: readonly string[],
  what: string,
  parts: RequestParts,
  judge: (a: Answer) => Finding | Promise<Finding>,
): Check {
  return { ids, what, run: (lab) => answerTo(lab, lab.request(parts), judge) }
}

function isHttpError({ status }: Answer): boolean {
  return status >= 400 && status < 600
}

const VERSIONS = ['8', '12', '14', '013', '13.0', '13, 8', '25']

const requestChecks: readonly Check[] = [
  ...['POST', 'PUT', 'HEAD'].flatMap((method) => refused(['6455-4.2.1-2'], `method ${method}`, { method })),
  ...refused(['6455-4.2.1-3'], 'HTTP/1.0', { version: 'HTTP/1.0' }),
  ...refused(['6455-4.2.1-3'], 'HTTP/0.9', { version: 'HTTP/0.9' }),
  accepted(['6455-4.2.1-4'], 'an absolute request-target', (lab) => ({
    target: `${lab.target.isSecure ? 'https' : 'http'}://${lab.target.authority}${lab.target.resource}`,
  })),
  ...refused(['6455-4.2.1-5'], 'a request without Host', { host: null }),
  ...refused(['6455-4.2.1-5'], 'two Host fields', { more: ['Host: other.example'] }),
  ...['WebSocket', 'WEBSOCKET', 'h2c, websocket'].map((upgrade) =>
    accepted(['6455-4.2.1-6'], `"Upgrade: ${upgrade}"`, { upgrade }),
  ),
  ...[null, 'h2c', 'websockets'].flatMap((upgrade) =>
    refused(['6455-4.2.1-6'], upgrade === null ? 'a request without Upgrade' : `"Upgrade: ${upgrade}"`, { upgrade }),
  ),
  ...['upgrade', 'UPGRADE', 'keep-alive, Upgrade', 'Upgrade, keep-alive'].map((connection) =>
    accepted(['6455-4.2.1-7'], `"Connection: ${connection}"`, { connection }),
  ),
  accepted(['6455-4.2.1-7'], 'Connection in two lines', { connection: 'keep-alive', more: ['Connection: Upgrade'] }),
  ...[null, 'keep-alive'].flatMap((connection) =>
    refused(['6455-4.2.1-7'], connection === null ? 'a request without Connection' : `"Connection: ${connection}"`, {
      connection,
    }),
  ),
  ...(
    [
      ['no key', null],
      ['an empty key', ''],
      ['a key of 15 bytes', 'AQIDBAUGBwgJCgsMDQ4P'],
      ['a key of 17 bytes', 'AQIDBAUGBwgJCgsMDQ4PEBE='],
      ['a key that is not base64', 'dGhlIHNhbXBsZSBub25j!Q=='],
      ['a key without its padding', 'dGhlIHNhbXBsZSBub25jZQ'],
    ] as const
  ).flatMap(([what, key]) => refused(['6455-4.2.1-8'], what, { key })),
  accepted(['6455-4.2.1-8'], 'a key with pad bits that are not zero (erratum 3150)', {
    key: 'AQIDBAUGBwgJCgsMDQ4PEC==',
  }),
  ...VERSIONS.flatMap((webSocketVersion) =>
    refused(['6455-4.2.1-9'], `version ${webSocketVersion}`, { webSocketVersion }),
  ),
  ...refused(['6455-4.2.1-9'], 'a request without a version', { webSocketVersion: null }),
  refusal(['6455-4.2.2-7', '6455-4.4-1'], 'the refusal of version 25', { webSocketVersion: '25' }, (answer) => {
    if (!isHttpError(answer)) return notMet(`no HTTP error but ${seenIn(answer)}`)
    const versions = valuesOf(answer, 'sec-websocket-version').join(', ')
    return /(?:^|[ ,])13(?:$|[ ,])/.test(versions)
      ? met
      : notMet(`Sec-WebSocket-Version is ${JSON.stringify(versions)}`)
  }),
  accepted(['6455-4.2.1-12'], 'unknown fields', { more: ['X-Framewright: 1', 'Sec-WebSocket-Framewright: x'] }),
  {
    ids: ['6455-4.2.1-13'],
    what: 'fields in another order and case',
    run: (lab) => {
      const [requestLine, ...lines] = lab.request().trimEnd().split('\r\n')
      const shuffled = lines
        .reverse()
        .map((line) => line.replace(/^[^:]*:[ ]/, (name) => `${name.toUpperCase().trimEnd()}\t`))
      return answerTo(lab, [requestLine, ...shuffled, '', ''].join('\r\n'), (answer) =>
        answer.status === 101 ? met : notMet(`refused with ${seenIn(answer)}`),
      )
    },
  },
  accepted(['6455-4.2.1-10'], 'a request without Origin', {}),
  ...(
    [
      ['a space before a colon', 'X-Framewright : 1'],
      ['a line without a colon', 'X-Framewright'],
      ['a NUL in a value', 'X-Framewright: a\0b'],
      ['a second key', `Sec-WebSocket-Key: ${SAMPLE_KEY}`],
      ['a subprotocol that is no token', 'Sec-WebSocket-Protocol: a b'],
    ] as const
  ).flatMap(([what, line]) => refused([], what, { more: [line] })),
  ...['foo;', ';foo', 'foo; =1', 'foo; a="1'].flatMap((value) =>
    refused(['6455-9.1-1'], `"Sec-WebSocket-Extensions: ${value}"`, { more: [`Sec-WebSocket-Extensions: ${value}`] }),
  ),
  {
    ids: ['6455-4.3-1', '6455-9.1-2'],
    what: 'an extension with a quoted value that is no token',
    run: (lab) =>
      answerTo(lab, lab.request({ more: ['Sec-WebSocket-Extensions: foo; a="1 2"'] }), (answer) =>
        valuesOf(answer, 'sec-websocket-extensions').length === 0 ? met : notMet('the extension was accepted'),
      ),
  },
  refusal(['6455-10.7-4'], 'a request without a key', { key: null }, (answer) =>
    isHttpError(answer) ? met : notMet(`no HTTP error but ${seenIn(answer)}`),
  ),
  refusal(['6455-7.2.2-1'], 'a refused request', { key: null }, async (answer) => {
    await answer.peer.until(() => answer.peer.hasEnded, 2000)
    return answer.peer.hasEnded ? met : notMet('the connection stays open')
  }),
]

const responseChecks: readonly Check[] = [
  {
    ids: ['6455-4.2.2-1', '6455-4.2.2-13', '6455-4.2.1-14'],
    what: 'the accepting response',
    run: (lab) =>
      answerTo(lab, lab.request(), (answer) => {
        if (answer.status !== 101) return notMet(`no 101 but ${seenIn(answer)}`)
        const [line] = answer.malformedLines
        return line === undefined ? met : notMet(`its line ${JSON.stringify(line)} is no field line`)
      }),
  },
  {
    ids: ['6455-4.2.2-14'],
    what: 'the status line',
    run: (lab) =>
      answerTo(lab, lab.request(), (answer) =>
        answer.statusLine.startsWith('HTTP/1.1 101 ') ? met : notMet(seenIn(answer)),
      ),
  },
  once('6455-4.2.2-15', 'upgrade', (value) => value.toLowerCase() === 'websocket'),
  once('6455-4.2.2-16', 'connection', (value) => /(?:^|[ ,])upgrade(?:$|[ ,])/i.test(value)),
  once('6455-4.2.2-17', 'sec-websocket-accept', (value) => value === acceptFor(SAMPLE_KEY)),
  once('6455-11.3.3-1', 'sec-websocket-accept', () => true),
  {
    ids: ['6455-4.2.2-10'],
    what: 'a request without subprotocols',
    run: (lab) => answerTo(lab, lab.request(), (answer) => absent(answer, 'sec-websocket-protocol')),
  },
  {
    ids: ['6455-4.2.2-9', '6455-11.3.4-2'],
    what: 'an offer of subprotocols',
    run: (lab) =>
      answerTo(lab, lab.request({ more: ['Sec-WebSocket-Protocol: framewright.a, framewright.b'] }), (answer) => {
        const values = valuesOf(answer, 'sec-websocket-protocol')
        if (answer.status !== 101) return untested(`the server refuses unknown subprotocols with ${seenIn(answer)}`)
        if (values.length > 1) return notMet(`${values.length} Sec-WebSocket-Protocol fields`)
        const [value = 'framewright.a'] = values
        return /^framewright\.[ab]$/.test(value) ? met : notMet(`the server chose ${JSON.stringify(value)}`)
      }),
  },
  {
    ids: ['6455-4.2.2-12', '6455-9-3'],
    what: 'a request without extensions',
    run: (lab) => answerTo(lab, lab.request(), (answer) => absent(answer, 'sec-websocket-extensions')),
  },
  {
    ids: ['6455-4.2.2-11', '6455-9.1-9'],
    what: 'an offer of an unknown extension',
    run: (lab) =>
      answerTo(lab, lab.request({ more: ['Sec-WebSocket-Extensions: framewright-none'] }), (answer) =>
        answer.status === 101 ? absent(answer, 'sec-websocket-extensions') : notMet(`refused with ${seenIn(answer)}`),
      ),
  },
  {
    ids: ['6455-4.2.2-8'],
    what: 'a path that should not exist',
    run: (lab) =>
      answerTo(lab, lab.request({ target: '/framewright-probe/no-such-path' }), (answer) => {
        if (answer.status === 101) return untested('the server serves every path')
        return isHttpError(answer) ? met : notMet(`no HTTP error but ${seenIn(answer)}`)
      }),
  },
  {
    ids: ['6455-4.2.2-6', '6455-10.2-1', '6455-10.2-2'],
    what: 'a foreign origin',
    run: (lab) =>
      answerTo(lab, lab.request({ more: ['Origin: https://framewright-probe.invalid'] }), (answer) => {
        if (answer.status === 101) return untested('the server accepts every origin')
        return answer.status === 403 ? met : notMet(`no 403 but ${seenIn(answer)}`)
      }),
  },
  {
    ids: ['6455-4.2.2-2', '6455-10.6-1'],
    what: 'TLS',
    run: async (lab) => (lab.target.isSecure ? met : untested('the target is ws://; probe the wss:// one')),
  },
]

function absent(answer: Answer, name: string): Finding {
  const values = valuesOf(answer, name)
  return values.length === 0 ? met : notMet(`the response has ${name}: ${values.join(', ')}`)
}

function once(id: string, name: string, isRight: (value: string) => boolean): Check {
  return {
    ids: [id],
    what: `${name} in the response`,
    run: (lab) =>
      answerTo(lab, lab.request({ key: SAMPLE_KEY }), (answer) => {
        const values = valuesOf(answer, name)
        if (values.length !== 1) return notMet(`it stands there ${values.length} times`)
        return isRight(values[0]!) ? met : notMet(`it is ${JSON.stringify(values[0])}`)
      }),
  }
}

export const handshakeChecks: readonly Check[] = [...requestChecks, ...responseChecks]
