import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** The tests that `npm test` leaves out, by tier; what is named nowhere in this file belongs to `npm test`. */
const wide = JSON.parse(readFileSync(new URL('./test/tiers.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, { readonly paths: readonly string[] }>
>
const filesOf = (paths: readonly string[]): string[] =>
  paths.map((path) => (path.endsWith('/') ? `${path}**/*.test.ts` : path))

export default defineConfig({
  test: {
    // Above every deadline of a single wait, so that it is the wait that says what did not come.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['src/{frames,handshake,protocol}/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          // No test changes a module, and a process for each file would cost half as much again as all the tests. Only V8's
          // coverage misses what ran in a file before.
          isolate: process.argv.includes('--coverage'),
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...Object.values(wide).flatMap(({ paths }) => filesOf(paths))],
        },
      },
      ...Object.entries(wide).map(([name, { paths }]) => ({
        extends: true as const,
        test: { name, include: filesOf(paths), exclude: ['**/node_modules/**'] },
      })),
    ],
  },
})
