import { html, type TemplateResult } from 'lit-html'
import type { Direction } from '../../../src/inspector/annotate/index.ts'
import { count } from '../parts/words.ts'
import { examples } from './examples.ts'
import type { Model, Options, Side } from './model.ts'

/** What the form shows. */
export interface Input {
  readonly text: string
  readonly options: Options
  readonly model: Model | null
  readonly side: Side | undefined
}

/** What the form does. */
interface PasteActions {
  paste(text: string): void
  openFile(file: File): Promise<void>
  turn(direction: Direction): void
  compress(isAgreed: boolean): void
}

/** A paste of more text goes past the field. */
const LONGEST_TEXT = 64 << 10

/** Where bytes come in, and what has to be known besides. */
export function paste({ text, model, side }: Input, actions: PasteActions): TemplateResult {
  const direction = side?.annotation.direction ?? 'c2s'
  const extensions = side?.annotation.extensions ?? ''
  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData?.getData('text') ?? ''
    if (pasted.length <= LONGEST_TEXT) return
    event.preventDefault()
    actions.paste(pasted)
  }
  const onFile = (event: Event) => {
    const file = (event.target as HTMLInputElement).files?.[0]
    if (file !== undefined) void actions.openFile(file)
  }
  const way = (value: Direction, label: string) =>
    html`<label><input type="radio" name="d" .checked=${direction === value} @change=${() => actions.turn(value)} />${label}</label>`
  return html`<form class="paste" @submit=${(event: Event) => event.preventDefault()}><div class="top"><label for="hex">Your bytes: hex, base64, a file or tshark text</label><span
    class="read">${model === null ? '' : `${count(model.size, 'byte')}, read as ${model.source.format}`}</span></div><textarea id="hex" spellcheck="false" autocomplete="off"
    placeholder=${text === '' && model !== null ? 'too long to be shown here' : ''} .value=${text} @paste=${onPaste} @input=${(
      event: Event,
    ) =>
      actions.paste(
        (event.target as HTMLTextAreaElement).value,
      )}></textarea><div class="row"><div class="seg" role="radiogroup" aria-label="Direction">${way(
      'c2s',
      'client ▸ server',
    )}${way('s2c', 'server ▸ client')}</div><label class="btn check"><input type="checkbox" .checked=${extensions !== ''} @change=${(
      event: Event,
    ) =>
      actions.compress(
        (event.target as HTMLInputElement).checked,
      )} /><span title=${extensions}>permessage-deflate</span></label><span class="sp"></span><label class="btn file"><input
        type="file" class="vh" @change=${onFile} />Open a file</label></div>${examples}</form>`
}
