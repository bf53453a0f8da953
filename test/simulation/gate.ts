/** Where somebody waits until the simulation lets him pass. */
export class Gate {
  #isOpen = false
  #waiting: Array<() => void> = []

  pass(): Promise<void> {
    return this.#isOpen ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets the first of those who wait pass. @returns whether there was one */
  letOne(): boolean {
    const first = this.#waiting.shift()
    first?.()
    return first !== undefined
  }

  /** Everybody may pass from now on. */
  open(): void {
    this.#isOpen = true
    while (this.letOne());
  }
}
