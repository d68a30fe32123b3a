import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Proofs over state spaces are long by nature, and longer on a busy machine; a test that hangs is still caught.
    testTimeout: 600_000,
    // Each file in its own worker thread: the wasm engines hold their machine in module instances, not in globals.
    pool: 'threads',
    // Files have nothing to do with each other: every core works on one.
    maxWorkers: '100%',
  },
});
