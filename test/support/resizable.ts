/** A buffer whose length can be changed. */
export type ResizableBuffer = ArrayBuffer & { resize(length: number): void }

/** The type checker's library is older than resizable buffers; Node 20 has them. */
export const Resizable = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ResizableBuffer
