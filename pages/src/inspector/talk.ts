import { html, type TemplateResult } from 'lit-html'
import { UsageError } from '../../../src/errors.ts'
import { readHex } from '../../../src/inspector/read-text.ts'
import { placeOf } from './feed.ts'
import type { Exercise, Summary } from './told.ts'

/** What the page's own connection tells. */
interface TalkListener {
  /** It is known as this one. */
  opened(connection: number): void
  changed(): void
  lab(exercise: Exercise, connection: number | null): void
}

const STATES = ['connecting', 'open', 'closing', 'closed'] as const

/** A few that show the most; the others are behind a button. */
const FIRST = [
  'masked-server-frame',
  'reserved-bit',
  'reserved-opcode',
  'long-control',
  'orphan-continuation',
  'invalid-utf8',
  'non-minimal-length',
]

/** The page's own connections: one to talk, and one to the lab to be sent what is illegal. They can be the same. */
export class Talk {
  readonly #listener: TalkListener
  #talkTo: string | null = null
  #socket: WebSocket | null = null
  #connection: number | null = null
  /** What tells the connection to the server from those of others: it stands in its query. */
  #mark = ''
  #lab: WebSocket | null = null
  #labConnection: number | null = null
  /** What a page got to know of the end. */
  #end = ''
  #error = ''
  #isBinary = false
  #isWhole = false

  constructor(listener: TalkListener) {
    this.#listener = listener
  }

  get isThere(): boolean {
    return this.#socket !== null
  }

  get #state(): (typeof STATES)[number] {
    return STATES[this.#socket?.readyState ?? WebSocket.CLOSED]!
  }

  /** @param talkTo - URL of the server; null: the lab answers */
  start(talkTo: string | null): void {
    this.#talkTo = talkTo
    this.connect()
  }

  /** Whether a connection that the inspector tells of is the one to the server. */
  meets({ id, target }: Summary): void {
    if (this.#mark === '' || this.#connection !== null || !target.endsWith(this.#mark)) return
    this.#connection = id
    this.#listener.opened(id)
  }

  connect(): void {
    this.#connection = null
    this.#end = ''
    this.#error = ''
    this.#adopt(this.#talkTo === null ? this.#openLab() : this.#openServer(this.#talkTo))
    this.#listener.changed()
  }

  #openServer(talkTo: string): WebSocket {
    const url = new URL(talkTo)
    this.#mark = `page=${Math.random().toString(36).slice(2, 10)}`
    url.search = this.#mark
    return new WebSocket(url)
  }

  /** @param exercise - what is sent as soon as the connection is there */
  #openLab(exercise?: Exercise): WebSocket {
    const socket = new WebSocket(placeOf('/lab', 'ws'))
    this.#lab = socket
    this.#labConnection = null
    socket.addEventListener(
      'message',
      ({ data }) => {
        const { connection } = JSON.parse(data) as { connection: number }
        this.#labConnection = connection
        if (this.#talkTo === null) this.#connection = connection
        this.#listener.opened(connection)
        if (exercise !== undefined) this.#listener.lab(exercise, connection)
      },
      { once: true },
    )
    if (this.#talkTo !== null) {
      socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason, `#${this.#labConnection}`))
    }
    return socket
  }

  #closed(code: number, reason: string, which = ''): void {
    this.#end = `${which} the page saw ${code}${reason === '' ? ', no reason' : ` “${reason}”`}`.trim()
    this.#listener.changed()
  }

  panel(exercises: readonly Exercise[], labRefusal: string | null): TemplateResult {
    const state = this.#state
    const isOpen = state === 'open'
    return html`<section class="talk" aria-labelledby="talkh"><h2 id="talkh">Your own connection <span id="state">${this.#connection === null ? '' : `#${this.#connection}, `}${state}${
      this.#end === '' ? '' : `: ${this.#end}`
    }</span></h2><form class="line" @submit=${(event: SubmitEvent) => this.#send(event)}><label class="vh" for="text">${
      this.#isBinary ? 'Bytes, in hex' : 'Text'
    }</label><textarea id="text" name="text" rows="1" autocomplete="off" spellcheck="false" placeholder=${this.#isBinary ? '00 01 fe ff' : 'Say something'} title="Enter sends, Shift+Enter makes a new line"
      @keydown=${onEnter}></textarea><button class="btn" type="submit" ?disabled=${!isOpen}>Send</button><label
      class="btn check"><input type="checkbox" .checked=${this.#isBinary} @change=${(event: Event) => {
        this.#isBinary = (event.target as HTMLInputElement).checked
        this.#listener.changed()
      }} />binary</label><label class="btn file"><input type="file" class="vh" ?disabled=${!isOpen} @change=${(event: Event) => void this.#sendFile(event)} />File</label></form><form
      class="line" @submit=${(event: SubmitEvent) => this.#close(event)}><label class="vh" for="code">Status code</label><input id="code" name="code" class="code" inputmode="numeric" placeholder="1000"
      title="A page may send 1000 and 3000 to 4999; empty: no code" autocomplete="off" /><label class="vh" for="reason">Reason</label><input id="reason" name="reason" placeholder="why" autocomplete="off" /><button
      class="btn" type="submit" ?disabled=${!isOpen}>Close</button><button class="btn" type="button" ?disabled=${state !== 'closed'} @click=${() => this.connect()}>Reconnect</button></form>${
        this.#error === '' ? '' : html`<p class="bad" role="alert">${this.#error}</p>`
      }</section>${this.#buttons(exercises, labRefusal)}`
  }

  /** Shows what went wrong. */
  refuse(error: string): void {
    this.#error = error
    this.#listener.changed()
  }

  #buttons(exercises: readonly Exercise[], labRefusal: string | null): TemplateResult {
    const fromServer = exercises.filter(({ direction }) => direction === 's2c')
    const some = this.#isWhole ? fromServer : fromServer.filter(({ name }) => FIRST.includes(name))
    const fromClient = exercises.filter(({ direction }) => direction === 'c2s')
    const button = (exercise: Exercise) =>
      html`<button class="btn" type="button" title="${exercise.about} (${exercise.id}, ${exercise.statusCode})" @click=${() => this.#break(exercise)}>${exercise.name.replaceAll('-', ' ')}</button>`
    return html`<section class="lab" aria-labelledby="labh"><h2 id="labh">Break it <span>let the server send this page an illegal frame</span></h2>${some.map(button)}<button
      class="btn q" type="button" aria-expanded=${this.#isWhole ? 'true' : 'false'} @click=${() => {
        this.#isWhole = !this.#isWhole
        this.#listener.changed()
      }}>${this.#isWhole ? 'fewer' : 'more'}</button>${
        !this.#isWhole
          ? ''
          : labRefusal !== null
            ? html`<h2><span>Nothing as a client: ${labRefusal}</span></h2>`
            : html`<h2><span>or be a client that sends one to the server</span></h2>${fromClient.map(button)}`
      }</section>`
  }

  #break(exercise: Exercise): void {
    this.#error = ''
    if (exercise.direction === 'c2s') this.#listener.lab(exercise, null)
    else if (this.#lab?.readyState === WebSocket.OPEN && this.#labConnection !== null) {
      this.#listener.lab(exercise, this.#labConnection)
    } else {
      const socket = this.#openLab(exercise)
      if (this.#talkTo === null) this.#adopt(socket)
    }
  }

  /** Takes a connection as the one to talk on. */
  #adopt(socket: WebSocket): void {
    this.#socket = socket
    this.#end = ''
    socket.addEventListener('open', () => this.#listener.changed())
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket === this.#socket) this.#closed(code, reason)
    })
  }

  #send(event: SubmitEvent): void {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const text = String(new FormData(form).get('text') ?? '')
    this.#try(() => {
      this.#socket?.send(this.#isBinary ? new Uint8Array(readHex(text)) : text)
      form.reset()
    })
  }

  async #sendFile(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement
    const file = input.files?.[0]
    if (file === undefined) return
    const bytes = await file.arrayBuffer()
    input.value = ''
    this.#try(() => this.#socket?.send(bytes))
  }

  #close(event: SubmitEvent): void {
    event.preventDefault()
    const data = new FormData(event.target as HTMLFormElement)
    const code = String(data.get('code') ?? '')
    const reason = String(data.get('reason') ?? '')
    this.#try(() => {
      if (code === '' && reason === '') this.#socket?.close()
      else this.#socket?.close(code === '' ? 1000 : Number(code), reason)
    })
  }

  /** What browsers and hex refuse is said, not thrown. */
  #try(action: () => void): void {
    this.#error = ''
    try {
      action()
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof DOMException)) throw error
      this.#error = error.message
    }
    this.#listener.changed()
  }
}

/** Enter sends what was written, Shift+Enter makes a new line. */
function onEnter(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  ;(event.target as HTMLTextAreaElement).form?.requestSubmit()
}
