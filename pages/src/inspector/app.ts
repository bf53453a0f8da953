import { html, render, type TemplateResult } from 'lit-html'
import { hex, offset } from '../../../src/inspector/annotate/index.ts'
import { LongList } from '../parts/long-list.ts'
import { panel } from '../parts/panel.ts'
import { nextShown, runsOf } from '../parts/rows.ts'
import { NO_MARKS, strip } from '../parts/strip.ts'
import { fieldAt } from '../parts/unit-view.ts'
import { count } from '../parts/words.ts'
import { band, endingOf } from './closing.ts'
import { connectionList } from './connections.ts'
import { type Detail, detailOf } from './detail.ts'
import { Feed, placeOf } from './feed.ts'
import { onKey } from './keys.ts'
import { heightOf, lane, told, word } from './lanes.ts'
import { Log, type Row } from './log.ts'
import { Talk } from './talk.ts'
import type { Exercise, FeedMessage, Summary } from './told.ts'

/** Connections that are listed; the inspector keeps fewer. */
const MOST_CONNECTIONS = 200

/** The live inspector: what the feed tells, as it happens. */
export class App {
  readonly #root: HTMLElement
  readonly #list = new LongList<Row>(heightOf)
  readonly #connections: Map<number, Summary> = new Map()
  readonly #talk: Talk
  readonly #feed: Feed
  #title = ''
  #exercises: readonly Exercise[] = []
  #labRefusal: string | null = null
  #isOpen = false
  #selected: number | null = null
  /** Whether somebody has chosen a connection: until then the newest one is shown. */
  #isChosen = false
  #log = new Log()
  #row: number | null = null
  /** Whether somebody has chosen the line: until then it is the first one, and the first one that breaks a rule. */
  #isRowChosen = false
  #byte = 0
  #hot: readonly [number, number] | null = null
  #more = 0
  #isPaused = false
  /** What is shown while it is paused. */
  #held: { readonly rows: readonly Row[]; readonly total: number } | null = null
  #filter = ''
  #filtered: { readonly of: readonly Row[]; readonly by: string; readonly rows: readonly Row[] } | null = null
  #isFolded = false
  #isUpdating = false
  #wantsFocus: '.chip[aria-current]' | '.b.sel' | null = null

  constructor(root: HTMLElement) {
    this.#root = root
    this.#talk = new Talk({
      opened: (connection) => this.choose(connection, false),
      changed: () => this.update(),
      lab: ({ name }, connection) =>
        this.#feed.send({ type: 'lab', name, ...(connection === null ? {} : { connection }) }),
    })
    this.#feed = new Feed(placeOf('/feed', 'ws'), {
      told: (message) => this.#hear(message),
      changed: (isOpen) => {
        this.#isOpen = isOpen
        this.update()
      },
    })
    root.addEventListener('click', (event) => this.#click(event))
    root.addEventListener('pointerover', (event) => this.#point(event))
    document.addEventListener('keydown', (event) => onKey(event, this))
    document.addEventListener('scroll', () => this.update(), { capture: true, passive: true })
    addEventListener('resize', () => this.update())
    this.update()
  }

  /** Shows a connection. @param isByHand - whether somebody wants this one and no newer one */
  choose(id: number, isByHand: boolean): void {
    if (isByHand) this.#isChosen = true
    if (this.#selected === id) return
    if (this.#selected !== null) this.#feed.send({ type: 'unwatch', connection: this.#selected })
    this.#selected = id
    this.#log = new Log()
    this.#row = null
    this.#isRowChosen = false
    this.#held = null
    this.#feed.send({ type: 'watch', connection: id })
    this.update()
  }

  /** Selects a line. @param step - so many lines from the selected one; `verdict`: the next one that breaks a rule */
  step(step: 1 | -1 | 'verdict'): void {
    const rows = this.#rows.filter(({ entry }) => entry.kind !== 'end' && entry.kind !== 'error')
    const now = rows.findIndex(({ entry }) => entry.seq === this.#row)
    const next =
      step === 'verdict'
        ? (rows.find((row, i) => i > now && isBroken(row)) ?? rows.find(isBroken))
        : (rows[now + step] ?? rows[now])
    if (next === undefined) return
    this.#isRowChosen = true
    this.#show(next, '.chip[aria-current]')
  }

  /** Moves to another byte of the selected line. */
  byte(step: number, isField: boolean): void {
    const detail = this.#detail()
    if (detail === null) return
    const { view } = detail
    if (isField) {
      const starts = view.fields.map(({ start }) => start)
      const now = starts.findLastIndex((start) => start <= this.#byte)
      this.#byte = starts[now + step] ?? this.#byte
    } else {
      const next = nextShown(runsOf(view, this.#byte, this.#more), this.#byte, step)
      if (next >= 0) this.#byte = next
    }
    this.#wantsFocus = '.b.sel'
    this.update()
  }

  pause(): void {
    this.#isPaused = !this.#isPaused
    this.#held = this.#isPaused ? { rows: this.#log.rows, total: this.#log.total } : null
    this.update()
  }

  help(): void {
    document.querySelector<HTMLDialogElement>('#help')?.showModal()
  }

  showBits(): void {
    this.#root.querySelector<HTMLElement>('.bitsec')?.focus()
  }

  update(): void {
    if (this.#isUpdating) return
    this.#isUpdating = true
    requestAnimationFrame(() => {
      this.#isUpdating = false
      this.#draw()
    })
  }

  #hear(message: FeedMessage): void {
    switch (message.type) {
      case 'hello':
        this.#title = message.title
        this.#exercises = message.lab
        this.#labRefusal = message.labRefusal
        this.#connections.clear()
        if (this.#selected !== null) this.#feed.send({ type: 'watch', connection: this.#selected })
        if (!this.#talk.isThere) this.#talk.start(message.talkTo)
        break
      case 'connection': {
        const { connection } = message
        const isNew = !this.#connections.has(connection.id)
        this.#connections.set(connection.id, connection)
        if (this.#connections.size > MOST_CONNECTIONS) this.#connections.delete(this.#connections.keys().next().value!)
        if (isNew && !this.#isChosen) this.choose(connection.id, false)
        this.#talk.meets(connection)
        break
      }
      case 'gone':
        this.#connections.delete(message.connection)
        break
      case 'entries':
        if (message.connection === this.#selected) {
          this.#log.add(message.entries)
          if (!this.#isRowChosen) this.#lookAtFirst()
        }
        break
      case 'dropped':
        if (message.connection === this.#selected) this.#log.missed += message.entries
        break
      case 'lab':
        if (message.error !== null) this.#talk.refuse(message.error)
        else if (message.connection !== null) this.choose(message.connection, false)
        break
      default:
        this.#talk.refuse(message.message)
    }
    this.update()
  }

  #lookAtFirst(): void {
    const { rows } = this.#log
    const first = rows.find(isBroken) ?? rows[0]
    if (first !== undefined && first.entry.seq !== this.#row) this.#show(first, null)
  }

  get #rows(): readonly Row[] {
    const all = this.#held?.rows ?? this.#log.rows
    const by = this.#filter.trim().toLowerCase()
    if (by === '') return all
    if (this.#filtered?.of !== all || this.#filtered.by !== by) {
      this.#filtered = { of: all, by, rows: all.filter((row) => matches(this.#log, row, by)) }
    }
    return this.#filtered.rows
  }

  #detail(): (Detail & { row: Row }) | null {
    const row = this.#log.rows.find(({ entry }) => entry.seq === this.#row)
    if (row === undefined) return null
    const detail = detailOf(row.entry, this.#log, this.#connections.get(this.#selected!)?.extensions ?? '')
    return detail === null ? null : { ...detail, row }
  }

  #show(row: Row, focus: '.chip[aria-current]' | null): void {
    const { entry } = row
    this.#row = entry.seq
    const [verdict] = 'verdicts' in entry ? entry.verdicts : []
    this.#byte = verdict === undefined || !('at' in entry) ? 0 : Math.max(0, verdict.at - entry.at)
    this.#more = 0
    this.#wantsFocus = focus
    this.update()
    if (focus === null) return
    requestAnimationFrame(() => {
      const lanes = this.#root.querySelector('#lanes')
      if (lanes !== null && lanes.querySelector('.chip[aria-current]') === null) {
        this.#list.show(lanes, this.#rows.indexOf(row))
        this.update()
      }
    })
  }

  #draw(): void {
    const before = this.#root.querySelector('.lanes')
    // The newest line stays in sight for whoever has not scrolled up.
    const isAtEnd = before === null || before.scrollHeight - before.scrollTop - before.clientHeight < 40
    for (let times = 0; times < 3; times++) {
      render(this.#page(), this.#root)
      const lanes = this.#root.querySelector('#lanes')
      const box = lanes?.parentElement
      const isChanged = lanes !== null && this.#list.measure(lanes)
      if (isAtEnd && !this.#isPaused && this.#wantsFocus === null && box !== null && box !== undefined)
        box.scrollTop = box.scrollHeight
      if (!isChanged) break
    }
    if (this.#wantsFocus === null) return
    const element = this.#root.querySelector<HTMLElement>(this.#wantsFocus)
    if (element === null) return
    this.#wantsFocus = null
    element.focus({ preventScroll: true })
    element.scrollIntoView({ block: 'nearest' })
  }

  #page(): TemplateResult {
    const all = [...this.#connections.values()].sort((a, b) => b.id - a.id)
    return html`<header class="bar"><span class="brand">framewright</span><nav aria-label="Tools"><a href="explain.html">Explain</a><a href="#" aria-current="page">Live</a></nav><span class="live"><i class=${
      this.#isOpen ? '' : 'off'
    }></i>${this.#isOpen ? this.#title : 'the inspector is gone; waiting for it'}</span><span class="sp"></span><button class="btn q" id="pause" type="button" aria-pressed=${
      this.#isPaused ? 'true' : 'false'
    } @click=${() => this.pause()}>${this.#isPaused ? 'Go on' : 'Pause'} <kbd>Space</kbd></button>${this.#exports()}<button class="btn q" id="keys" type="button" @click=${() =>
      this.help()}>Keys <kbd>?</kbd></button></header><main class="app">${connectionList(all, this.#selected)}${this.#middle()}${this.#right()}</main>`
  }

  #exports(): TemplateResult | '' {
    if (this.#selected === null) return ''
    const link = (format: string, name: string) =>
      html`<a href=${placeOf(`/export/${this.#selected}.${format}`, 'http')} download>${name}</a>`
    return html`<span class="btn hidesm exports">Export: ${link('hex', 'hex')}, ${link('jsonl', 'JSON lines')}, ${link('pcapng', 'pcapng')}</span>`
  }

  #middle(): TemplateResult {
    const summary = this.#selected === null ? undefined : this.#connections.get(this.#selected)
    const rows = this.#rows
    const lanes = this.#root.querySelector('#lanes')
    const ending = summary === undefined ? null : endingOf(this.#log, summary)
    const waiting = this.#held === null ? 0 : this.#log.total - this.#held.total
    return html`<section class="mid card" aria-label="Timeline"><div class="h"><h2>${summary === undefined ? 'No connection yet' : `Connection ${summary.id}`}</h2><span class="about">${
      summary === undefined ? 'connect to the server, and it stands here' : about(summary)
    }</span><input class="filter" type="search" aria-label="Filter" placeholder="Filter: ping, close, 6455-…" .value=${this.#filter} @input=${(
      event: Event,
    ) => {
      this.#filter = (event.target as HTMLInputElement).value
      this.update()
    }} /></div>${band(this.#log)}<p class="who" aria-live="polite">${
      ending === null
        ? html`<b>${summary === undefined ? '' : 'It is open.'}</b>`
        : html`<b class=${ending.isHidden ? 'bad' : ''}>${ending.isHidden ? '✕ ' : ''}${ending.first}</b> ${ending.rest}`
    }${this.#log.missed > 0 ? ` ${count(this.#log.missed, 'entry').replace('entrys', 'entries')} not kept.` : ''}${waiting > 0 ? ` ${waiting} more since it was paused.` : ''}</p><div class="lanes scrolls"><div
      class="lh"><span><em><i></i>one TCP chunk</em><b>client ▸</b></span><span>seconds</span><span><b>◂ server</b></span></div><div id="lanes">${this.#list.render(
        rows,
        (_, i) => lane(this.#log, rows, i, this.#row),
        lanes,
      )}</div></div>${this.#talk.panel(this.#exercises, this.#labRefusal)}</section>`
  }

  #right(): TemplateResult {
    const detail = this.#detail()
    if (detail === null) {
      return html`<aside class="right card empty" aria-label="The selected line"><p>Choose a line of the timeline: its bytes stand here, each with its name.</p></aside>`
    }
    const { view, role, message, row } = detail
    const { entry } = row
    const marks = { ...NO_MARKS, selected: this.#byte, hot: this.#hot, more: this.#more, isTabStop: true }
    const way = role === 'server' ? 'client ▸ server' : 'server ▸ client'
    const elided = 'wire' in entry ? entry.wire.elided : 0
    return html`<aside class="right card panel${this.#isFolded ? ' folded' : ''}" id="panel" tabindex="0" aria-label="The selected line"><button type="button" class="fold" aria-expanded=${
      this.#isFolded ? 'false' : 'true'
    }>${this.#isFolded ? 'Show details' : 'Hide details'}</button><div class="h"><h2>${way}</h2><span>${word(entry as never)}, ${count(view.wire.length, 'byte')}${
      elided > 0 ? `, ${elided.toLocaleString('en')} more not shown` : ''
    }</span><a class="ex" href=${this.#explainLink(detail)}>explain</a><code>${offset(view.unit.at)}</code></div><div class="wire" role="grid" aria-label="Bytes of the selected line"><div role="rowgroup">${strip(
      view,
      marks,
    )}</div></div>${panel(view, this.#byte, { role, messages: () => message }, this.#hot)}</aside>`
  }

  /** The same bytes in the explain page. */
  #explainLink({ view, row }: Detail & { row: Row }): string {
    const { entry } = row
    if (!('direction' in entry)) return 'explain.html'
    const extensions = this.#connections.get(this.#selected!)?.extensions ?? ''
    const start = entry.kind === 'head' ? 'head' : 'frames'
    return `explain.html#hex=${hex(view.wire).replaceAll(' ', '')}&dir=${entry.direction}&start=${start}&ext=${encodeURIComponent(extensions)}`
  }

  #click(event: Event): void {
    const target = event.target as Element
    const hit = (selector: string) => target.closest<HTMLElement>(selector)
    const connection = hit('[data-c]')
    const chip = hit('.chip')
    const cell = hit('.right [data-i]') ?? hit('.right tr[data-a]')
    if (connection !== null) this.choose(Number(connection.dataset['c']), true)
    else if (chip !== null) {
      const row = this.#rows.find(({ entry }) => entry.seq === Number(chip.dataset['s']))
      this.#isRowChosen = true
      if (row !== undefined) this.#show(row, null)
    } else if (hit('.fold') !== null) this.#isFolded = !this.#isFolded
    else if (hit('.more') !== null) this.#more += 32
    else if (cell !== null && hit('a') === null) this.#byte = Number(cell.dataset['i'] ?? cell.dataset['a'])
    else return
    this.update()
  }

  #point(event: Event): void {
    const detail = this.#detail()
    const target = (event.target as Element).closest<HTMLElement>('.right [data-i], .right tr[data-a]')
    let hot: readonly [number, number] | null = null
    if (target !== null && detail !== null) {
      const { i, a, b } = target.dataset
      const field = i === undefined ? undefined : fieldAt(detail.view, Number(i))
      hot = i === undefined ? [Number(a), Number(b)] : field === undefined ? null : [field.start, field.end]
    }
    if (hot?.[0] === this.#hot?.[0] && hot?.[1] === this.#hot?.[1]) return
    this.#hot = hot
    this.update()
  }
}

function isBroken({ entry }: Row): boolean {
  return 'verdicts' in entry && entry.verdicts.length > 0
}

function about({ target, extensions, protocol, remoteAddress, remotePort, lab, isEncrypted }: Summary): string {
  const who =
    lab === null
      ? remoteAddress === null
        ? ''
        : `${remoteAddress}:${remotePort}`
      : lab === 'server'
        ? 'to the break-it lab'
        : 'from the lab'
  return [target.split('?')[0], who, isEncrypted ? 'TLS' : '', protocol, extensions.split(';')[0]]
    .filter((one) => one !== '' && one !== undefined)
    .join(', ')
}

function matches(log: Log, { entry }: Row, by: string): boolean {
  if (entry.kind === 'end') return 'tcp fin reset'.includes(by)
  if (entry.kind === 'error') return entry.message.toLowerCase().includes(by)
  const text = [word(entry), told(log, entry), ...entry.verdicts.map(({ id }) => id)].join(' ').toLowerCase()
  return text.includes(by)
}
