import { html, type TemplateResult } from 'lit-html'
import { UsageError } from '../../../src/errors.ts'
import { readHex } from '../../../src/inspector/read-text.ts'
import { placeOf } from './feed.ts'
import type { Exercise } from './told.ts'

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

/** The page's own connection, to talk and to be sent what is illegal. What it says and hears stands in the timeline. */
export class Talk {
  readonly #listener: TalkListener
  #socket: WebSocket | null = null
  #connection: number | null = null
  /** What a page got to know of the end. */
  #end = ''
  #error = ''
  #isBinary = false
  #isWhole = false
  /** What is sent as soon as the connection is there. */
  #waiting: Exercise | null = null

  constructor(listener: TalkListener) {
    this.#listener = listener
  }

  get connection(): number | null {
    return this.#connection
  }

  get #state(): (typeof STATES)[number] {
    return STATES[this.#socket?.readyState ?? WebSocket.CLOSED]!
  }

  connect(): void {
    const socket = new WebSocket(placeOf('/lab', 'ws'))
    this.#socket = socket
    this.#connection = null
    this.#end = ''
    this.#error = ''
    socket.addEventListener('open', () => this.#listener.changed())
    socket.addEventListener(
      'message',
      ({ data }) => {
        this.#connection = (JSON.parse(data) as { connection: number }).connection
        this.#listener.opened(this.#connection)
        const exercise = this.#waiting
        this.#waiting = null
        if (exercise !== null) this.#listener.lab(exercise, this.#connection)
      },
      { once: true },
    )
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket !== this.#socket) return
      this.#end = `the page saw ${code}${reason === '' ? ', no reason' : ` “${reason}”`}`
      this.#listener.changed()
    })
    this.#listener.changed()
  }

  panel(exercises: readonly Exercise[], labRefusal: string | null): TemplateResult {
    const state = this.#state
    const isOpen = state === 'open'
    return html`<section class="talk" aria-labelledby="talkh"><h2 id="talkh">Your own connection <span id="state">${this.#connection === null ? '' : `#${this.#connection}, `}${state}${
      this.#end === '' ? '' : `: ${this.#end}`
    }</span></h2><form class="line" @submit=${(event: SubmitEvent) => this.#send(event)}><label class="vh" for="text">${
      this.#isBinary ? 'Bytes, in hex' : 'Text'
    }</label><input id="text" name="text" autocomplete="off" spellcheck="false" placeholder=${this.#isBinary ? '00 01 fe ff' : 'Say something'} /><button class="btn" type="submit" ?disabled=${!isOpen}>Send</button><label
      class="btn check"><input type="checkbox" .checked=${this.#isBinary} @change=${(event: Event) => {
        this.#isBinary = (event.target as HTMLInputElement).checked
        this.#listener.changed()
      }} />binary</label></form><form
      class="line" @submit=${(event: SubmitEvent) => this.#close(event)}><label class="vh" for="code">Status code</label><input id="code" name="code" class="code" inputmode="numeric" placeholder="1000"
      title="A page may send 1000 and 3000 to 4999; empty: no code" autocomplete="off" /><label class="vh" for="reason">Reason</label><input id="reason" name="reason" placeholder="why" autocomplete="off" /><button
      class="btn" type="submit" ?disabled=${!isOpen}>Close</button><button class="btn" type="button" ?disabled=${state !== 'closed'} @click=${() => this.connect()}>Reconnect</button></form>${
        this.#error === '' ? '' : html`<p class="bad" role="alert">${this.#error}</p>`
      }</section>${this.#lab(exercises, labRefusal)}`
  }

  /** Shows what went wrong. */
  refuse(error: string): void {
    this.#error = error
    this.#listener.changed()
  }

  #lab(exercises: readonly Exercise[], labRefusal: string | null): TemplateResult {
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
    else if (this.#state === 'open' && this.#connection !== null) this.#listener.lab(exercise, this.#connection)
    else {
      this.#waiting = exercise
      this.connect()
    }
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
