/** Somebody who sends one message in fragments, when it is his turn. */
export interface Turn {
  /** It is his turn now. */
  begin(): void
  /** The transport has nothing left to send. Only called while it is his turn. */
  writable(): void
  /** It will never be his turn, or it is over before its end. */
  fail(error: Error): void
}
