import { describe, expect, test } from 'vitest';
import { observations, wordsOf } from '../../src/cli/outcome-report.ts';
import { Observations } from '../../src/explore/checkers/observations.ts';
import { learn } from '../../src/explore/explore.ts';
import { type Outcomes, outcomesOf } from '../../src/explore/outcomes.ts';
import { countRuns } from '../../src/explore/share.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { guestImage, guestWorld } from '../machine/guest.ts';

const runner = new CellRunner(builtFixture);
const cell: Cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };

const worlds = (name: string, variant: string, of = cell) => ({
  make: runner.maker(scenarioOf(name), variant, of),
  learned: runner.learned(scenarioOf(name), variant, of),
});

function told(name: string, variant: string): { found: Outcomes; seen: string[] } {
  const { make, learned } = worlds(name, variant);
  const found = outcomesOf(make, learned);
  const world = make();
  const seen = wordsOf(found, world).map((t) => t.violation ?? t.cores.map(({ core, saw }) => `CPU${core} ${saw.join(', ')}`).join('; '));
  world.release();
  return { found, seen };
}

/** What the cores saw at the ends of all runs, by the search on the machine. */
function seenByMachine(make: () => World, found: Outcomes): Set<string> {
  const world = make();
  const observer = new Observations();
  const seen = new Set<string>();
  const chains = (w: World): string => w.machine.cores.map((c) => JSON.stringify(observer.of(w, c.index), plain)).join();
  world.checkers.push(observer, { name: 'ends', atEnd: (w) => void (w.violations.length === 0 && seen.add(chains(w))) });
  world.begin(found.knowledge);
  searchStates(world, { wholeGraph: true, symmetry: false });
  return seen;
}

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

describe('every way in which runs end', () => {
  test('without the last SYNC a late #BP is one of them, and nothing else that breaks something', () => {
    const { found, seen } = told('F1', 'no-final-sync');
    expect(seen[0]).toContain('claimed by nobody');
    expect(seen.filter((s) => s.includes('claimed by nobody'))).toHaveLength(1);
    expect(seen).toContain('CPU1 call ftrace_stub, call target_b');
    expect(seen).toContain('CPU1 #BP -> target_b, call target_b');
    // Not back in time: who has executed the new call never executes the old one.
    expect(seen).not.toContain('CPU1 call target_b, call ftrace_stub');
    const [i1] = observations(found);
    expect(i1).toMatchObject({ check: 'I1', answer: 'Sometimes' });
  });

  test('with it none breaks anything', () => {
    const { found, seen } = told('F1', 'final-sync');
    expect(found.outcomes.every((o) => o.violation === undefined)).toBe(true);
    expect(new Set(seen).size).toBe(seen.length);
    expect(observations(found)).toEqual([{ check: 'violation', answer: 'Never', positive: 0n, negative: expect.any(BigInt) }]);
  });

  test.each(['no-final-sync', 'final-sync'])('%s: the same as a search on the machine finds, and together all interleavings', (variant) => {
    const { make, learned } = worlds('F1', variant);
    const found = outcomesOf(make, learned);
    const quiet = found.outcomes.filter((o) => o.violation === undefined);
    expect(new Set(quiet.map((o) => o.observed.map((seen) => JSON.stringify(seen, plain)).join()))).toEqual(seenByMachine(make, found));
    const runs = countRuns(make, found.knowledge);
    const sum = (some: typeof quiet): bigint => some.reduce((n, o) => n + o.interleavings!, 0n);
    expect(runs).toMatchObject({ kind: 'counted', all: sum([...found.outcomes]), violating: sum([...found.outcomes]) - sum(quiet) });
  });

  test('what a scenario without sites says, and what its variables hold at the end, tells runs apart', () => {
    const { found } = told('L4', 'lw3');
    expect(found.outcomes.some((o) => o.violation !== undefined)).toBe(true);
    expect(found.notCounted).toBeUndefined();
    // Whoever is waited for breaks something: nobody waits for ever.
    expect(found.endless).toBeUndefined();
  });

  test('a run without end is told, and is no outcome', () => {
    const ask = (threads: string, entries: readonly string[]): Outcomes => {
      const image = guestImage(threads, { x: 0, y: 0 });
      const make = (): World => {
        const world = guestWorld(image, entries.length, { memory: 'tso', fetch: 'coherent' });
        entries.forEach((entry, core) => {
          world.add({ core, entry });
        });
        return world;
      };
      return outcomesOf(make, learn(make));
    };
    const spin = 'P0:\n1:\npause\ncmpq $0, x(%rip)\nje 1b\njmp cpu_idle\n';
    const waiter = (name: string, own: string, other: string): string =>
      `${name}:\nmovq $0, ${own}(%rip)\n1:\ncmpq $0, ${other}(%rip)\nje 1b\nmovq $1, ${own}(%rip)\njmp cpu_idle\n`;
    const both = ask(waiter('P0', 'x', 'y') + waiter('P1', 'y', 'x'), ['P0', 'P1']);
    expect(both).toMatchObject({ endless: { cause: 'livelock' }, outcomes: [] });
    const ended = ask(`${spin}P1:\nmovq $1, x(%rip)\njmp cpu_idle\n`, ['P0', 'P1']);
    expect(ended).toMatchObject({ endless: undefined, outcomes: [{ violation: undefined, values: [1n] }] });
  });

  test('a search that is stopped counts nothing', () => {
    const { make, learned } = worlds('F1', 'final-sync');
    const found = outcomesOf(make, learned, { maxSteps: 100 });
    expect(found.stopped).toBe('step budget of 100 spent');
    expect(found.notCounted).toBe(found.stopped);
    expect(found.outcomes.every((o) => o.interleavings === undefined)).toBe(true);
  });
});
