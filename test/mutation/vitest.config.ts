import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The first test that fails ends the run of a mutant, so properties, which take longest, go last. */
class PropertiesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isProperty = (file: TestSpecification) => Number(basename(file.moduleId).includes('.property.'))
    return [...files].sort((a, b) => isProperty(a) - isProperty(b))
  }
}

/** The tests that judge the mutants of one file; `run.mjs` names them. */
export default defineConfig({
  test: {
    include: (process.env['MUTATION_TESTS'] ?? 'test/{frames,handshake,protocol}/**/*.test.ts').split(' '),
    // What measures time says nothing about a mutant that runs beside others.
    exclude: ['**/node_modules/**', 'test/handshake/linear-time.test.ts'],
    // No test changes a module, and no static mutant is tried, so a file need not have a thread of its own.
    isolate: false,
    testTimeout: 30_000,
    sequence: { sequencer: PropertiesLast },
  },
})
