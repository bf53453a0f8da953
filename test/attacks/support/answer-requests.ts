/**
 * Makes this process answer what its parent asks, one answer for each request, until the parent is gone. The parent is
 * told at once that it is ready.
 */
export function answerRequests<Request>(answer: (request: Request) => unknown): void {
  process.on('message', async ({ id, request }: { id: number; request: Request }) => {
    try {
      process.send?.({ id, answer: await answer(request) })
    } catch (error) {
      process.send?.({ id, error: String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ id: 0, answer: 'ready' })
}
