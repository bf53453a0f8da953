import type { FieldList } from './field-list.ts'

/** The head of an HTTP request: its request-line and its field lines. RFC 9112 §3. */
export interface RequestHead {
  /** Method, case-sensitive; any token. */
  readonly method: string
  /** Request-target exactly as it was sent: the origin form `/chat?x=1` or the absolute form `http://host/chat`. */
  readonly target: string
  /** Version without its name, such as `'1.1'`. */
  readonly httpVersion: string
  /** Field lines in the order they were sent. */
  readonly fields: FieldList
}

/** The head of an HTTP response: its status-line and its field lines. RFC 9112 §4. */
export interface ResponseHead {
  /** Version without its name, such as `'1.1'`. */
  readonly httpVersion: string
  /** Status code, 100 to 999. */
  readonly status: number
  /** Reason phrase, latin-1; may be empty and means nothing. */
  readonly reason: string
  /** Field lines in the order they were sent. */
  readonly fields: FieldList
}
