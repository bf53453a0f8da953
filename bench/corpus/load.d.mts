/** A run of frames as a client sends them. */
export interface Stream {
  readonly name: string
  readonly about: string
  /** The frames one behind the other, masked. */
  readonly bytes: Uint8Array
  readonly frames: number
  readonly messages: number
  /** Bytes of payload in data frames. */
  readonly payloadBytes: number
}

/** The streams of the corpus, new bytes in each call. */
export function loadCorpus(): Stream[]
