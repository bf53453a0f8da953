import { toError } from '../ground/application.ts'

/**
 * Keeps the order of what is sent while the bytes of a Blob are on their way: reading one takes turns of the event loop,
 * and what is sent after it must not overtake it.
 */
export class BlobQueue {
  #waiting = 0
  #bytes = 0
  #tail: Promise<void> = Promise.resolve()

  /** Whether nothing waits, so that there is nothing to overtake. */
  get isEmpty(): boolean {
    return this.#waiting === 0
  }

  /** Bytes of the Blobs that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Does something when everything before it is done.
   *
   * @param blob - what to read first, or null
   * @param job - gets the bytes, or the error that kept them; it must not throw
   */
  add(blob: Blob | null, job: (bytes: Uint8Array | null, error: Error | null) => void): void {
    const size = blob === null ? 0 : blob.size
    this.#waiting++
    this.#bytes += size
    this.#tail = this.#tail.then(async () => {
      let bytes: Uint8Array | null = null
      let failure: Error | null = null
      try {
        if (blob !== null) bytes = new Uint8Array(await blob.arrayBuffer())
      } catch (error) {
        failure = toError(error)
      }
      this.#waiting--
      this.#bytes -= size
      job(bytes, failure)
    })
  }
}
