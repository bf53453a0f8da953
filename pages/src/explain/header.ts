import { html, type TemplateResult } from 'lit-html'

/** What the buttons of the header do. */
interface HeaderActions {
  pin(): void
  copyLink(): Promise<void>
  help(): void
}

/** @param copied - what became of the link that was just copied; empty: nothing */
export function header(copied: string, isPinned: boolean, actions: HeaderActions): TemplateResult {
  return html`<header class="bar"><span class="brand">framewright</span><nav aria-label="Tools"><a href="#" aria-current="page">Explain</a></nav><span
    class="sp"></span><button class="btn q" id="pin" type="button" aria-pressed=${
      isPinned ? 'true' : 'false'
    } @click=${() => actions.pin()}>Pin <kbd>Enter</kbd></button><button class="btn q" id="copy" type="button" @click=${() => void actions.copyLink()}>${
      copied === '' ? 'Copy link' : copied
    } <kbd>c</kbd></button><button class="btn q" id="keys" type="button" @click=${() => actions.help()}>Keys <kbd>?</kbd></button></header>`
}
