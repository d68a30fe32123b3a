import { describe, expect, test } from 'vitest';
import { learn } from '../../src/explore/explore.ts';
import type { Knowledge } from '../../src/explore/knowledge.ts';
import { choose, endOf, options } from '../../src/explore/path.ts';
import { AT_START, lengthOf, priceOf, type Standing, standingAfter } from '../../src/explore/price.ts';
import { PriceQueue } from '../../src/explore/price-queue.ts';
import { Random } from '../../src/explore/random.ts';
import { shorten } from '../../src/explore/shorten.ts';
import { reproduces } from '../../src/explore/shrink.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { Violation, WantedViolation } from '../../src/explore/violation.ts';
import type { World } from '../../src/explore/world.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import type { Cell } from '../../src/scenario/scenario.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

function begun(make: () => World, knowledge: Knowledge): World {
  const world = make();
  world.begin(knowledge);
  return world;
}

/** Tries every run on the machine, one after the other, leaving only those that are dearer than the best so far. */
function cheapestByTrial(world: World, wanted: WantedViolation): { price: number; answers: readonly number[] } | undefined {
  const { machine } = world;
  let best: { price: number; answers: readonly number[] } | undefined;
  const answers: number[] = [];
  const seen = new Map<string, number>();
  const isIt = (v: Violation): boolean => v.check === wanted.check && v.cause === wanted.cause;
  const found = (violations: readonly Violation[], price: number): void => {
    // Answers are tried in order: of one price the first stays.
    if (violations.some(isIt) && (best === undefined || price < best.price)) best = { price, answers: [...answers] };
  };
  const go = (at: Standing, price: number): void => {
    // A state that the same core reached for less has nothing new behind it.
    const state = `${machine.hash()} ${at.core} ${at.rides}`;
    if ((seen.get(state) ?? Number.POSITIVE_INFINITY) <= price) return;
    seen.set(state, price);
    const offered = options(world, Math.max(0, at.core));
    if (offered.length === 0) found(endOf(world), price);
    for (const [n, choice] of offered.entries()) {
      const move = { core: choice.core, kind: choice.kind, stale: choice.kind === 'step' && choice.fetch?.stale === true };
      const next = price + priceOf(move, at);
      if (best !== undefined && next > best.price) continue;
      const empty = !offered.some((o) => o.core === choice.core && o.kind === 'drain');
      const mark = machine.mark();
      answers.push(n);
      const violations = choose(world, choice);
      if (violations.length > 0) found(violations, next);
      else go(standingAfter(move, at, empty), next);
      answers.pop();
      machine.rollback(mark);
    }
  };
  go(AT_START, 0);
  return best;
}

const cell = (victims: number, fetch: Cell['fetch'], memory: Cell['memory']): Cell => ({ victims, fetch, memory });
const cases = [
  ['F1', 'no-final-sync', cell(1, 'intel-sdm', 'tso')],
  ['F1', 'no-final-sync', cell(1, 'coherent', 'sc')],
  ['F1', 'no-refetch', cell(1, 'intel-sdm', 'tso')],
  ['F2', 'trust-target', cell(1, 'coherent', 'tso')],
  ['L3', 'lw1', cell(0, 'coherent', 'sc')],
] as const;

describe('the shortest run', () => {
  test.each(cases)('%s %s %o: no other run is cheaper', (name, variant, where) => {
    const make = runner.maker(scenarioOf(name), variant, where);
    const knowledge = learn(make);
    const found = searchStates(begun(make, knowledge)).counterexample;
    if (found === undefined) throw new Error('there is no violation');
    const { counterexample, knowledge: needed } = shorten(found, { make, knowledge });
    expect(counterexample.length?.shortest).toBe(true);
    expect(reproduces(begun(make, needed), counterexample)).toBe(true);
    const { shortest, ...length } = counterexample.length!;
    expect(shortest).toBe(true);
    expect(lengthOf(begun(make, needed), counterexample.answers)).toEqual(length);
    const { check, cause } = found.violation;
    const best = cheapestByTrial(begun(make, needed), cause === undefined ? { check } : { check, cause });
    const deviations = length.switches + length.staleFetches;
    expect(best?.price).toBe(deviations * 2 ** 24 + length.events);
    // Nor is one as cheap whose answers come first.
    expect(counterexample.answers).toEqual(best!.answers);
  });

  test('beyond the budget it is shortened as before, and nobody says that it is shortest', () => {
    const make = runner.maker(scenarioOf('F1'), 'no-final-sync', cell(1, 'intel-sdm', 'tso'));
    const knowledge = learn(make);
    const found = searchStates(begun(make, knowledge)).counterexample!;
    const { counterexample } = shorten(found, { make, knowledge, steps: 10 });
    expect(counterexample.length?.shortest).toBe(false);
    expect(reproduces(begun(make, knowledge), counterexample)).toBe(true);
    const { counterexample: best } = shorten(found, { make, knowledge });
    expect(best.length!.events).toBeLessThanOrEqual(counterexample.length!.events);
  });
});

test('a drain behind its store costs nothing, any other drain does', () => {
  const step = { core: 1, kind: 'step', stale: false } as const;
  const drain = { core: 1, kind: 'drain', stale: false } as const;
  const stored = standingAfter(step, AT_START, true);
  expect(priceOf(step, AT_START)).toBe(1);
  expect(priceOf(drain, stored)).toBe(0);
  expect(priceOf(drain, standingAfter(drain, stored, false))).toBe(0);
  expect(priceOf(drain, standingAfter(step, stored, false))).toBe(1);
  expect(priceOf({ ...drain, core: 0 }, stored)).toBe(priceOf({ ...step, core: 0 }, stored));
  expect(priceOf({ ...step, stale: true }, stored)).toBe(priceOf({ ...step, core: 0 }, stored));
});

test('a queue gives what is cheapest, and of one price what came first', () => {
  const random = new Random(7);
  const queue = new PriceQueue();
  const waiting: { price: number; node: number }[] = [];
  for (let node = 0; node < 2000; node++) {
    const price = random.below(50);
    queue.add(price, node);
    waiting.push({ price, node });
    if (random.below(3) > 0) continue;
    waiting.sort((a, b) => a.price - b.price || a.node - b.node);
    expect(queue.take()).toBe(waiting.shift()!.node);
  }
  waiting.sort((a, b) => a.price - b.price || a.node - b.node);
  for (const { node } of waiting) expect(queue.take()).toBe(node);
  expect(queue.take()).toBeUndefined();
});
