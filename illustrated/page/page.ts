/* The page: one file that needs nothing else, no script either. */
import { readFileSync } from 'node:fs'
import { questions } from '../questions.ts'
import { variantProse } from '../variant-prose.ts'
import { partBlock } from './part-block.ts'
import { sequence } from './sequence.ts'
import type { Story } from './story.ts'
import { escapeHtml, idLink, markup } from './text.ts'
import { variantBlock } from './variant-block.ts'

const css = ['tokens.css', 'style.css'].map((file) => readFileSync(new URL(file, import.meta.url), 'utf8')).join('\n')

/** @returns the text of docs/illustrated/index.html */
export function page(story: Story): string {
  const { session, parts, variants } = story
  const bytes = parts.reduce((sum, { unit }) => sum + unit.end - unit.at, 0)
  const frames = parts.filter(({ unit }) => unit.kind === 'frame').length
  const { note = '', startedAt = '' } = session.header
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The illustrated WebSocket connection</title>
<meta name="description" content="One real WebSocket connection: every byte shown and explained, and what happens when one bit is wrong.">
<link rel="icon" href="data:,">
<style>
${css.trim()}
</style>
</head>
<body>
<header class="bar"><a class="brand" href="https://www.rfc-editor.org/rfc/rfc6455">RFC 6455</a><nav aria-label="On this page"><a href="#session">Session</a><a href="#request">Bytes</a><a href="#wrong">One bit wrong</a><a href="#questions">Questions</a></nav></header>
<main>
<section class="hero">
<h1>The illustrated WebSocket connection</h1>
<p>A browser says hello to a server, gets an answer in two pieces with a Ping in between, then a compressed one, and they part. <b>${bytes.toLocaleString('en-US')} bytes</b>, two heads and ${frames} frames: each byte is shown and explained, with the rule that it obeys and the reason for the rule. Then one bit of them is wrong, ${variants.length} times.</p>
<p class="made">Recorded: ${escapeHtml(note)}, ${escapeHtml(startedAt.slice(0, 10))}. The explanations are computed from the recording by the code that this server runs on; nothing in hex was typed by hand.</p>
<ul class="legend" aria-label="Colours of the fields">${LEGEND.map(([colour, name]) => `<li class="f-${colour}"><i class="k"></i>${name}</li>`).join('')}</ul>
<p class="files">Take it with you: <a href="session.jsonl" download>the session as JSON lines</a>, <a href="session.pcapng" download>for Wireshark</a>, <a href="client-to-server.hex" download>client to server in hex</a>, <a href="server-to-client.hex" download>server to client in hex</a>.</p>
</section>
<section id="session" aria-labelledby="session-h"><h2 id="session-h"><a href="#session">The session</a></h2>
<p class="sub">Time runs down. Arrows that hang together left in one write: what TCP carries is a stream, and its pieces are not the frames.</p>
${sequence(story)}</section>
<section id="bytes" aria-labelledby="bytes-h"><h2 id="bytes-h"><a href="#bytes">Byte by byte</a></h2>
<p class="sub">On the wire above, what it means below, in the same column. Point at a byte, or tap it, for its name, its place and its bits.</p>
${parts.map((part) => partBlock(part, story)).join('\n')}
${fin(story)}</section>
<section id="wrong" aria-labelledby="wrong-h"><h2 id="wrong-h"><a href="#wrong">Same byte, one bit wrong</a></h2>
<p class="sub">The same session once more, with one bit of it flipped by a program. The verdict is the engine’s; the answer is what our server, or our client, really wrote when it was given these bytes over a real connection.</p>
<ol class="toc">${variants.map(({ plan, annotation }) => tocEntry(plan.name, story, annotation.stop?.verdict?.id)).join('')}</ol>
${variants.map((variant) => variantBlock(variant, story)).join('\n')}</section>
<section id="questions" aria-labelledby="questions-h"><h2 id="questions-h"><a href="#questions">Fifteen questions</a></h2>
<p class="sub">What people ask most often about the protocol, with the place where it can be seen.</p>
<div class="faq card">${questions.map(({ name, question, answer }) => `<section id="q-${name}" aria-labelledby="q-${name}-h"><h3 id="q-${name}-h"><a href="#q-${name}">${escapeHtml(question)}</a></h3><p>${markup(answer)}</p></section>`).join('\n')}</div></section>
</main>
<footer><p>Where each rule is obeyed in code, and how many tests prove it: <a href="../rfc/matrix.html">the requirement matrix</a>. How one connection goes through the code: <a href="../tour.md">the tour</a>. Your own bytes: <a href="../../src/inspector/page/explain.html">Explain</a>.</p></footer>
</body>
</html>
`
}

const LEGEND = [
  ['hs', 'handshake'],
  ['head', 'flags, opcode'],
  ['len', 'mask bit, length'],
  ['key', 'masking key'],
  ['pay', 'payload'],
  ['close', 'close code, reason'],
] as const

function tocEntry(name: string, { variants }: Story, id: string | undefined): string {
  const { direction, part } = variants.find(({ plan }) => plan.name === name)!
  const verdict = id === undefined ? '<span class="ok">✓ no rule</span>' : idLink(id)
  return `<li><a href="#${name}">${escapeHtml(variantProse[name]?.title ?? '')}</a> <small>${direction === 'c2s' ? 'client' : 'server'}, ${part.name.replace('-', ' ')}</small> ${verdict}</li>`
}

function fin({ session }: Story): string {
  const ends = session.events.filter(({ kind }) => kind === 'end')
  const order = ends.map((event) => (event.kind === 'end' && event.direction === 's2c' ? 'server' : 'client'))
  return `<section class="part card s2c" id="fin" aria-labelledby="fin-h"><header><p class="way">TCP</p><h2 id="fin-h"><a href="#fin">FIN, and FIN</a></h2></header><p class="lead">No bytes any more: each side ends its direction of TCP, first the ${order[0]}, then the ${order[1]}. For WebSocket the connection was over with the second Close; these make it true for the kernels. A FIN, or a reset, without a Close before it is what an application hears of as 1006.</p></section>`
}
