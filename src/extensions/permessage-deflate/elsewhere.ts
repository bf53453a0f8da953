/*
 * Work on other threads. Few jobs at a time: the threads are few, and every job that runs holds a state and buffers.
 */
import { Queue } from '../../ground/queue.ts'

/** A job; it calls `ended` exactly once. */
type Job = (ended: () => void) => void

/** Node has four threads for this by default. */
const MOST_RUNNING = 4

const waiting = new Queue<Job>()
let running = 0

/** Runs a job as soon as fewer than four are running; jobs begin in the order they came. */
export function runElsewhere(job: Job): void {
  if (running < MOST_RUNNING) start(job)
  else waiting.push(job)
}

function start(job: Job): void {
  running++
  job(ended)
}

function ended(): void {
  running--
  const next = waiting.shift()
  if (next !== undefined) start(next)
}
