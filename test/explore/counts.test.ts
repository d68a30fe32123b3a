import { describe, expect, test } from 'vitest';
import { settleLabWorld } from '../../tools/bench/lab-world.ts';

/**
 * How many states and transitions the retargeted call site has. Nothing but a change of what a state is, of what is visible, or of what
 * a transition does may move these numbers: tuning must not.
 */
describe('states and transitions of the retargeted call site', () => {
  test.each([
    { victims: 1, fetch: 'coherent', symmetry: true, states: 201, transitions: 346 },
    { victims: 2, fetch: 'intel-sdm', symmetry: true, states: 2823, transitions: 7418 },
    { victims: 2, fetch: 'intel-sdm', symmetry: false, states: 5346, transitions: 14014 },
    { victims: 3, fetch: 'intel-sdm', symmetry: true, states: 21674, transitions: 76968 },
  ])('$victims victims, $fetch, symmetry $symmetry', ({ victims, fetch, symmetry, states, transitions }) => {
    const { outcome } = settleLabWorld({ victims, fetch, memory: 'tso', finalSync: true, calls: 2 }, { symmetry });
    expect(outcome).toMatchObject({ counterexample: undefined, stopped: undefined, counts: { states, transitions } });
  });
});
