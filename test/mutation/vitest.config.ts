import { defineConfig } from 'vitest/config'

/** The tests that judge mutants: those of the pure core, which need no sockets. */
export default defineConfig({
  test: {
    include: ['test/{frames,handshake,protocol}/**/*.test.ts'],
    // What measures time says nothing about a mutant that runs beside others.
    exclude: ['**/node_modules/**', 'test/handshake/linear-time.test.ts', 'test/protocol/*driver*.test.ts'],
    testTimeout: 30_000,
  },
})
