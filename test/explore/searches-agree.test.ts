import { describe, expect, test } from 'vitest';
import { siteChecker } from '../../src/explore/checkers/site.ts';
import { learn } from '../../src/explore/explore.ts';
import type { Knowledge } from '../../src/explore/knowledge.ts';
import { searchLadder } from '../../src/explore/ladder.ts';
import { choose, endOf, options } from '../../src/explore/path.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import { CATALOGUE, scenarioOf } from '../../src/scenario/catalogue.ts';
import { type Cell, imageOf, type Scenario } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';
import { type CodeTest, codeImage } from '../machine/code-litmus.ts';
import { CODE_TESTS } from '../machine/code-tests.ts';
import { collector, guestWorld } from '../machine/guest.ts';

interface Found {
  readonly checks: readonly string[];
  readonly ends: readonly string[];
  readonly states: number;
  readonly symmetric: boolean;
}

/** What the whole graph of a scenario's cell violates and how it ends, the hash of each end taken up to permutations of the victims. */
function graphOf(scenario: Scenario, variant: string, cell: Cell, symmetry: boolean): Found {
  const make = (): World => scenario.build(imageOf(scenario, builtFixture), variant, cell);
  const knowledge = learn(make);
  for (;;) {
    const world = make();
    const ends = new Set<string>();
    world.checkers.push({ name: 'ends', atEnd: (w) => void ends.add(w.machine.hash(w.symmetric)) });
    world.begin(knowledge);
    const before = knowledge.size;
    const outcome = searchStates(world, { symmetry, wholeGraph: true });
    knowledge.learn(world.machine, world.sharable);
    if (knowledge.size === before) {
      return {
        checks: outcome.violations.map((v) => v.check).sort(),
        ends: [...ends].sort(),
        states: outcome.counts.states,
        symmetric: world.symmetric !== 0,
      };
    }
  }
}

/** Two-victim variants: all that run on the bare lab, but for the other sites of the three-phase poke. */
const VARIANTS = CATALOGUE.filter((s) => s.scope === 'two-victims' && s.image === undefined).flatMap((scenario) =>
  scenario.variants
    .filter((v) => scenario.name !== 'text-poke/three-phase' || v.name.startsWith('nop-to-call'))
    .map((v) => ({ scenario, variant: v.name, title: `${scenario.name} ${v.name}` })),
);

/** Here the patcher waits for one core's references after the other's, and which is which matters. */
const NAMES_CORES: ReadonlySet<string> = new Set(['text-poke/three-phase']);

describe('taking interchangeable cores for one changes the number of states and nothing else', () => {
  test.each(VARIANTS)('$title', ({ scenario, variant, title }) => {
    // Every second one under the other policy.
    const fetch = VARIANTS.findIndex((v) => v.title === title) % 2 === 0 ? 'intel-sdm' : 'coherent';
    const cell: Cell = { victims: 2, fetch, memory: 'tso' };
    const [plain, symmetric] = [graphOf(scenario, variant, cell, false), graphOf(scenario, variant, cell, true)];
    expect(symmetric.symmetric).toBe(!NAMES_CORES.has(scenario.name) && variant !== 'per-site-records');
    expect(symmetric.checks).toEqual(plain.checks);
    expect(symmetric.ends).toEqual(plain.ends);
    if (symmetric.symmetric) expect(symmetric.states).toBeLessThan(plain.states);
    else expect(symmetric.states).toBe(plain.states);
  });
});

/** Every path to its end, without remembering any state: what is found cannot depend on a reduction. Paths longer than `depth` are an error. */
function bruteForce(world: World, depth: number): { checks: string[]; paths: number } {
  const checks = new Set<string>();
  let paths = 0;
  const walk = (lastCore: number, left: number): void => {
    const offered = options(world, lastCore);
    if (left === 0) throw new Error('a path does not end');
    if (offered.length === 0) {
      paths++;
      for (const v of endOf(world)) checks.add(v.check);
    }
    for (const choice of offered) {
      const mark = world.machine.mark();
      const violations = choose(world, choice);
      for (const v of violations) checks.add(v.check);
      if (violations.length === 0) walk(choice.core, left - 1);
      world.machine.rollback(mark);
    }
  };
  walk(0, depth);
  return { checks: [...checks].sort(), paths };
}

/** A small world with a site, its checker, and a collector of final registers. */
function codeWorld(code: CodeTest, fetch: string, ends: Set<string>): () => World {
  const image = codeImage(code);
  return () => {
    const world = guestWorld(image, code.threads.length, { memory: 'tso', fetch });
    const version = (immediate: number): Uint8Array => Uint8Array.of(0xbb, immediate, immediate, immediate, immediate);
    world.sites.push({ name: 'S', address: world.lab.symbol('site'), versions: [version(0x11), version(0x22)], final: 1 });
    world.checkers.push(
      siteChecker(),
      collector(ends, (w) => w.machine.cores.map((c) => `${c.gpr(8)} ${c.gpr(9)} ${c.gpr(10)}`).join(', ')),
    );
    code.threads.forEach((_, core) => world.add({ core, entry: `P${core}` }));
    return world;
  };
}

function settled(make: () => World): Knowledge {
  const knowledge = learn(make);
  for (;;) {
    const before = knowledge.size;
    const world = make();
    world.begin(knowledge);
    searchStates(world, { wholeGraph: true });
    knowledge.learn(world.machine, world.sharable);
    if (knowledge.size === before) return knowledge;
  }
}

describe('the search over states, the ladder without a bound and every single path find the same', () => {
  const small = CODE_TESTS.filter((c) => !c.name.includes('bytewise'));

  test.each(small)('$name', (code) => {
    for (const fetch of ['coherent', 'zen3', 'amd-apm', 'icache', 'intel-sdm']) {
      const ends = new Set<string>();
      const make = codeWorld(code, fetch, ends);
      const knowledge = settled(make);
      const begun = (): World => {
        ends.clear();
        const world = make();
        world.begin(knowledge);
        return world;
      };
      const brute = bruteForce(begun(), 60);
      const bruteEnds = [...ends].sort();
      expect(brute.paths).toBeGreaterThan(0);

      const states = searchStates(begun(), { wholeGraph: true });
      expect(states.violations.map((v) => v.check).sort()).toEqual(brute.checks);
      expect([...ends].sort()).toEqual(bruteEnds);

      const ladder = searchLadder(begun(), { maxPreemptions: 1000 });
      expect(ladder.counterexample === undefined).toBe(brute.checks.length === 0);
      if (ladder.counterexample === undefined) {
        expect(ladder.exhausted).toBe(true);
        expect([...ends].sort()).toEqual(bruteEnds);
      } else expect(brute.checks).toContain(ladder.counterexample.violation.check);
    }
  });
});

describe('the ladder on scenarios', () => {
  test.each([
    ['F1', 'final-sync'],
    ['F1', 'no-final-sync'],
    ['F4', 'gap-rsp0'],
    ['F4', 'no-gap-rsp0'],
    ['F8', 'recheck'],
    ['B20', 'unlocked'],
    ['B20', 'locked'],
    ['B09', 'complete'],
  ])('%s %s says what the search over states says', (name, variant) => {
    const scenario = scenarioOf(name);
    const make = (): World => scenario.build(builtFixture('lab'), variant, { victims: 1, fetch: 'coherent', memory: 'tso' });
    const knowledge = settled(make);
    const begun = (): World => {
      const world = make();
      world.begin(knowledge);
      return world;
    };
    const states = searchStates(begun());
    const ladder = searchLadder(begun(), { maxPreemptions: 1000 });
    expect(ladder.counterexample === undefined).toBe(states.counterexample === undefined);
    if (states.counterexample === undefined) expect(ladder.exhausted).toBe(true);
  });
});
