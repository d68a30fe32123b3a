import { describe, expect, test } from 'vitest';
import { searchReduced, searchTable } from '../../src/explore/table/search.ts';
import { TransitionTable } from '../../src/explore/table/table.ts';
import { labWorld, settleLabWorld } from '../../tools/bench/lab-world.ts';

/**
 * How many states and transitions the retargeted call site has. Nothing but a change of what a state is, of what is visible, or of what
 * a transition does may move these numbers: tuning must not.
 */
describe('states and transitions of the retargeted call site', () => {
  test.each([
    { victims: 1, fetch: 'coherent', symmetry: true, states: 201, transitions: 346 },
    { victims: 2, fetch: 'intel-sdm', symmetry: true, states: 2085, transitions: 5560 },
    { victims: 2, fetch: 'intel-sdm', symmetry: false, states: 3909, transitions: 10400 },
    { victims: 3, fetch: 'intel-sdm', symmetry: true, states: 13535, transitions: 48771 },
  ])('$victims victims, $fetch, symmetry $symmetry', ({ victims, fetch, symmetry, states, transitions }) => {
    const of = { victims, fetch, memory: 'tso', finalSync: true, calls: 2 } as const;
    const { outcome, knowledge } = settleLabWorld(of, { symmetry });
    expect(outcome).toMatchObject({ counterexample: undefined, stopped: undefined, counts: { states, transitions } });
    // Looked up in a table the same search takes the same way; with less to do where runs are equal it finds the same.
    const table = new TransitionTable(labWorld(of, knowledge));
    expect(searchTable(table, { symmetry })).toMatchObject({ counts: outcome.counts, violations: [], learned: false });
    const reduced = searchReduced(table, { symmetry });
    expect(reduced).toMatchObject({ violations: [], learned: false });
    expect(reduced.counts.states).toBeLessThan(states);
    expect(reduced.counts.transitions).toBeLessThan(transitions);
  });
});
