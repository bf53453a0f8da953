import type { Figure, Row, Table } from './bench.ts'

/** A table as text: each figure with its spread, and for peers in brackets our figure divided by theirs. */
export function formatTable(table: Table): string {
  const names = contendersOf(table)
  const head = ['', ...names]
  const lines = table.rows.map((row) => [row.cell, ...names.map((name) => formatCell(table, row, name))])
  const widths = head.map((name, i) => Math.max(name.length, ...lines.map((line) => line[i]!.length)))
  const format = (line: readonly string[]): string =>
    line.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ')
  return [`${table.title} (${table.unit}; in brackets: ${table.ours} / peer)`, format(head), ...lines.map(format)].join(
    '\n',
  )
}

/** As {@link formatTable}, for Markdown. */
export function markdownTable(table: Table): string {
  const names = contendersOf(table)
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line([table.unit, ...names]),
    line(['---', ...names.map(() => '---:')]),
    ...table.rows.map((row) => line([row.cell, ...names.map((name) => formatCell(table, row, name))])),
  ].join('\n')
}

/** The contenders of all rows, in order. */
export function contendersOf(table: Table): string[] {
  return [...new Set(table.rows.flatMap((row) => Object.keys(row.figures)))]
}

/** Our figure divided by the peer's; undefined when one of them is missing. */
export function ratioTo(table: Table, row: Row, peer: string): number | undefined {
  const ours = row.figures[table.ours]
  const theirs = row.figures[peer]
  return ours === undefined || theirs === undefined ? undefined : ours.median / theirs.median
}

function formatCell(table: Table, row: Row, name: string): string {
  const figure = row.figures[name]
  if (figure === undefined) return '–'
  const ratio = name === table.ours ? undefined : ratioTo(table, row, name)
  return `${formatFigure(figure)}${ratio === undefined ? '' : ` (${ratio.toFixed(2)})`}`
}

function formatFigure({ median, spread }: Figure): string {
  const digits = Math.abs(median) >= 100 ? 0 : Math.abs(median) >= 10 ? 1 : 2
  return `${median.toFixed(digits)} ±${(spread * 100).toFixed(0)}%`
}
