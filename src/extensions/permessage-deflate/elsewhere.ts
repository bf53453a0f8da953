/*
 * Work on other threads. Few jobs at a time: the threads are few, and every job that runs holds a state and buffers.
 */

/** A job; it calls `ended` exactly once. */
type Job = (ended: () => void) => void

/** Node has four threads for this by default. */
const MOST_RUNNING = 4

let waiting: Job[] = []
/** How many of `waiting` have begun. */
let begun = 0
let running = 0

/** Runs a job as soon as fewer than four are running; jobs begin in the order they came. */
export function runElsewhere(job: Job): void {
  if (running >= MOST_RUNNING) waiting.push(job)
  else start(job)
}

function start(job: Job): void {
  running++
  job(ended)
}

function ended(): void {
  running--
  if (begun < waiting.length) start(waiting[begun++]!)
  else if (begun > 0) {
    waiting = []
    begun = 0
  }
}
