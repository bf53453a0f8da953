// A vitest reporter for long runs: after each file how far the run is, at the end what was skipped and why.

export default class ProgressReporter {
  #start = 0
  #total = 0
  #done = 0

  onTestRunStart(specifications) {
    this.#start = Date.now()
    this.#total = specifications.length
    console.log(`${this.#total} test files`)
  }

  onTestModuleEnd(module) {
    this.#done += 1
    const seconds = Math.round((Date.now() - this.#start) / 1000)
    const verdict = module.state() === 'failed' ? 'FAILED ' : ''
    console.log(`\n[${this.#done} of ${this.#total}, ${seconds} s] ${verdict}${module.relativeModuleId}`)
  }

  onTestRunEnd(modules) {
    const counts = new Map()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const [, reason = `by ${module.relativeModuleId} itself`] = /\[skipped: ([^\]]*)\]/.exec(test.fullName) ?? []
        counts.set(reason, (counts.get(reason) ?? 0) + 1)
      }
    }
    console.log(counts.size === 0 ? '\nNo test was skipped.' : '\nSkipped:')
    for (const [reason, count] of counts) console.log(`  ${count} tests: ${reason}`)
  }
}
