import { ROW } from '../parts/rows.ts'

/** Bytes of a line in the panel, on a wide screen and on a narrow one. */
export function widthOfRow(): number {
  return matchMedia('(min-width:561px)').matches ? 2 * ROW : ROW
}
