/** How many steps there are. */
export const STEPS: number
/** The server when all steps up to `step` are done, and the exercises of those that follow stand in it. */
export function solutionOf(step: number): string
/** Where somebody starts who wants to do `step`. */
export function stubOf(step: number): string
