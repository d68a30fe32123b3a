import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MachineTarget } from '../../tools/silicon/machine-target.ts';
import { runVectors } from '../../tools/silicon/run.ts';
import { VectorDirectory } from '../../tools/silicon/vectors.ts';

const vectors = new VectorDirectory(fileURLToPath(new URL('../../fixtures/silicon', import.meta.url)));

/** Arms of one dispatch: more would only make a larger function to compile. */
const ARMS = 400;

describe('silicon vectors on handlers inlined into the dispatch', () => {
  // A part, which has each form; of 32- and 16-bit code, whose forms are many, a smaller one.
  it.each([...vectors.classes])('%s', (name) => {
    const part = /-(16|32)$/.test(name) ? 8 : 3;
    const records = vectors.read(name).filter((_, n) => n % part === 0);
    const target = new MachineTarget('interpreter');
    runVectors(target, records);
    const forms = target.engine.formCount;
    for (let first = 0; first < forms; first += ARMS) {
      target.engine.inlineForms(first, ARMS);
      const result = runVectors(target, records);
      expect(result.failures.map((f) => f.vector.id)).toEqual([]);
      expect(result.passed).toBe(records.length);
    }
    expect(target.engine.formCount).toBe(forms);
  });
});
