// The page of `framewright serve --inspect`. What a peer sends is shown through text nodes only, never as HTML.

const MAX_LOG_ENTRIES = 500
const MAX_SHOWN_BYTES = 256
const MAX_SHOWN_CHARACTERS = 4096
const STATES = ['connecting', 'open', 'closing', 'closed']

const $ = (id) => document.getElementById(id)

let ws

function connect(url) {
  const socket = new WebSocket(url)
  ws = socket
  socket.binaryType = 'arraybuffer'
  const openedAt = performance.now()
  log('info', `connecting to ${url}`)
  showState()

  socket.addEventListener('open', () => {
    log('info', `open after ${Math.round(performance.now() - openedAt)} ms`)
    showState()
  })
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') log('received', data, describeText(data))
    else log('received', showBytes(new Uint8Array(data)), describeBytes(data.byteLength))
  })
  socket.addEventListener('error', () => log('error', 'the connection failed; browsers do not tell a page why'))
  socket.addEventListener('close', ({ code, reason, wasClean }) => {
    const ending = `code ${code}, ${reason === '' ? 'no reason' : `reason "${reason}"`}`
    log('closed', `${ending}, ${wasClean ? 'clean' : 'not clean'}`)
    showState(ending)
  })
}

function showState(ending = '') {
  const state = STATES[ws.readyState]
  $('state').dataset.state = state
  $('state').textContent = ending === '' ? state : `${state} (${ending})`
  $('connect').disabled = state !== 'closed'
  for (const button of document.querySelectorAll('.needs-open')) button.disabled = state !== 'open'
}

function send(data, content, about) {
  if (ws?.readyState !== WebSocket.OPEN) {
    log('error', 'not connected')
    return
  }
  ws.send(data)
  log('sent', content, about)
}

/** Add an entry and keep the newest in view, unless the reader has scrolled up. */
function log(kind, content, about = '') {
  const list = $('log')
  const box = $('log-box')
  const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 8
  const entry = document.createElement('li')
  entry.dataset.kind = kind
  const shown = content.length > MAX_SHOWN_CHARACTERS ? `${content.slice(0, MAX_SHOWN_CHARACTERS)} …` : content
  entry.append(part('about', timeOfDay()), part('kind', kind), part('about', about), part('content', shown))
  list.append(entry)
  while (list.children.length > MAX_LOG_ENTRIES) list.firstElementChild.remove()
  if (isAtEnd) box.scrollTop = box.scrollHeight
}

function part(className, text) {
  const span = document.createElement('span')
  span.className = className
  span.textContent = text
  return span
}

function timeOfDay() {
  const now = new Date()
  const pad = (value, length = 2) => String(value).padStart(length, '0')
  return `${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())}.${pad(now.getMilliseconds(), 3)}`
}

function describeText(text) {
  return `text, ${countBytes(new TextEncoder().encode(text).length)}`
}

function describeBytes(length) {
  return `binary, ${countBytes(length)}`
}

function countBytes(length) {
  return length === 1 ? '1 byte' : `${length} bytes`
}

function showBytes(bytes) {
  const pairs = Array.from(bytes.subarray(0, MAX_SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0'))
  return pairs.join(' ') + (bytes.length > MAX_SHOWN_BYTES ? ' …' : '')
}

/** Bytes from hex digits, or `undefined` when the text is something else. */
function parseHex(text) {
  const digits = text.replace(/[\s:,]/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function onSubmit(id, handle) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault()
    handle()
  })
}

onSubmit('connection', () => {
  try {
    connect($('url').value)
  } catch (error) {
    log('error', error.message)
  }
})

onSubmit('text-form', () => {
  const text = $('text').value
  send(text, text, describeText(text))
  $('text').value = ''
  $('text').focus()
})

$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  $('text-form').requestSubmit()
})

onSubmit('bytes-form', () => {
  const bytes = parseHex($('bytes').value)
  $('bytes').setCustomValidity(bytes === undefined ? 'Pairs of hex digits, such as 00 01 fe ff' : '')
  if (bytes === undefined) $('bytes').reportValidity()
  else send(bytes, showBytes(bytes), describeBytes(bytes.length))
})

$('bytes').addEventListener('input', () => $('bytes').setCustomValidity(''))

onSubmit('file-form', async () => {
  const [file] = $('file').files
  const bytes = new Uint8Array(await file.arrayBuffer())
  send(bytes, `${file.name}: ${showBytes(bytes)}`, describeBytes(bytes.length))
})

onSubmit('close-form', () => {
  const code = $('code').value
  const reason = $('reason').value
  try {
    if (code === '') ws.close()
    else ws.close(Number(code), reason)
    log('info', code === '' ? 'closing without a code' : `closing with code ${code}`)
    showState()
  } catch (error) {
    log('error', error.message)
  }
})

$('clear').addEventListener('click', () => $('log').replaceChildren())

const { webSocketPort } = await (await fetch('config.json')).json()
const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
$('url').value = `${scheme}://${location.hostname}:${webSocketPort}/`
connect($('url').value)
