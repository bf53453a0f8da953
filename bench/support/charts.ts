import { init, type SeriesOption } from 'echarts'
import type { Table } from './bench.ts'
import { contendersOf } from './table.ts'

/** Bars for each cell on a logarithmic axis, one for each contender. */
export function chartOf(table: Table): string {
  const names = contendersOf(table)
  const cells = table.rows.map(({ cell }) => cell)
  return render(1100, 150 + 46 * Math.ceil(names.length / 6) + 30 * cells.length * Math.max(1, names.length / 2.2), {
    title: { text: table.title, subtext: `${table.unit}, logarithmic`, left: 'center' },
    legend: { bottom: 0, data: names },
    grid: { left: 190, right: 90, top: 70, bottom: 60 },
    xAxis: { type: 'log' },
    yAxis: { type: 'category', inverse: true, data: cells },
    series: names.map((name) => ({
      name,
      type: 'bar',
      label: { show: true, position: 'right', fontSize: 9, formatter: ({ value }: { value: number }) => short(value) },
      data: table.rows.map(({ figures }) => figures[name]?.median ?? null),
    })),
  })
}

/** What `--cpu-prof` writes. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }>
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Frames narrower than this part of the whole are left out. */
const LEAST_PART = 0.004

/** A flame graph: who called whom from the bottom up, and for how much of the time that was not idle. */
export function flameGraphOf(title: string, profile: CpuProfile): string {
  const self = new Map<number, number>()
  profile.samples.forEach((id, i) => {
    self.set(id, (self.get(id) ?? 0) + profile.timeDeltas[i]!)
  })
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const boxes: Array<[from: number, to: number, depth: number, name: string]> = []
  let deepest = 0

  const totalOf = (id: number): number => {
    const node = byId.get(id)!
    if (node.callFrame.functionName === '(idle)') return 0
    return (self.get(id) ?? 0) + (node.children ?? []).reduce((sum, child) => sum + totalOf(child), 0)
  }
  const root = profile.nodes[0]!
  const whole = totalOf(root.id)
  const place = (id: number, from: number, depth: number): number => {
    const total = totalOf(id)
    if (total / whole < LEAST_PART) return total
    const { callFrame, children = [] } = byId.get(id)!
    boxes.push([from / whole, (from + total) / whole, depth, callFrame.functionName || '(anonymous)'])
    deepest = Math.max(deepest, depth)
    let at = from
    for (const child of children) at += place(child, at, depth + 1)
    return total
  }
  place(root.id, 0, 0)

  const series: SeriesOption = {
    type: 'custom',
    data: boxes,
    encode: { x: [0, 1], y: 2 },
    renderItem(_params, api) {
      const [left, y] = api.coord([api.value(0), api.value(2)]) as [number, number]
      const [right] = api.coord([api.value(1), api.value(2)]) as [number, number]
      const [, height] = api.size!([0, 1]) as [number, number]
      const name = String(api.value(3))
      return {
        type: 'rect',
        shape: { x: left, y: y - height / 2, width: Math.max(0, right - left - 0.5), height: height - 1 },
        style: { fill: colourOf(name) },
        textContent: {
          style: { text: name, fontSize: 10, width: Math.max(0, right - left - 4), overflow: 'truncate' },
        },
        textConfig: { position: 'insideLeft' },
      }
    },
  }
  return render(1200, 80 + 18 * (deepest + 1), {
    title: { text: title, left: 'center' },
    grid: { left: 10, right: 10, top: 40, bottom: 10 },
    xAxis: { show: false, min: 0, max: 1 },
    yAxis: { show: false, min: -0.5, max: deepest + 0.5 },
    series: [series],
  })
}

function colourOf(name: string): string {
  let hash = 7
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) >>> 0
  return `hsl(${20 + (hash % 40)}, ${60 + ((hash >>> 8) % 30)}%, ${62 + ((hash >>> 16) % 16)}%)`
}

function render(width: number, height: number, option: object): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: Math.round(height) })
  chart.setOption({ animation: false, backgroundColor: '#fff', ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2)
}
