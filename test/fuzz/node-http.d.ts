/** The little of Node's HTTP parser that a comparison needs. Node: not public; `test/fuzz` alone depends on it. */
declare module 'node:_http_common' {
  export class HTTPParser {
    static readonly REQUEST: 1
    static readonly kOnHeadersComplete: 1;
    [callback: number]: (...args: unknown[]) => unknown
    initialize(type: number, resource: object): void
    execute(bytes: Uint8Array, start: number, end: number): number | Error
    close(): void
  }
}
