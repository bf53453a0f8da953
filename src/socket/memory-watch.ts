/** Who looks, now and then, how much memory all connections of a server hold. */
export interface MemoryWatch {
  /** So many bytes may be held now that were not before: cheap to call, and more often than it need be. */
  kept(byteCount: number): void
}
