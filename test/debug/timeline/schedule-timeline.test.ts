import { describe, expect, test } from 'vitest';
import { ScheduleTimeline } from '../../../src/debug/timeline/schedule-timeline.ts';
import type { Timeline } from '../../../src/debug/timeline/timeline.ts';
import { choose, options } from '../../../src/explore/path.ts';
import type { World } from '../../../src/explore/world.ts';
import { CATALOGUE } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function begun(scenario: Scenario): World {
  const variant = scenario.variants[0]!;
  const cell = smokeCell(scenario);
  const world = runner.maker(scenario, variant.name, cell)();
  world.begin(runner.learned(scenario, variant.name, cell));
  return world;
}

/** A run of some schedule, and the hash of each of its states, by the explorer's own means. */
function randomRun(scenario: Scenario, seed: number, steps: number): { readonly answers: number[]; readonly hashes: string[] } {
  const world = begun(scenario);
  const random = chance(seed);
  const answers: number[] = [];
  const hashes = [world.machine.hash()];
  let lastCore = 0;
  while (answers.length < steps) {
    const offered = options(world, lastCore);
    if (offered.length === 0) break;
    const answer = random(3) === 0 ? random(offered.length) : 0;
    const choice = offered[answer]!;
    world.machine.mark();
    const violations = choose(world, choice);
    answers.push(answer);
    hashes.push(world.machine.hash());
    lastCore = choice.core;
    if (violations.length > 0) break;
  }
  world.release();
  return { answers, hashes };
}

/** What a person would see of the cores. */
const seen = ({ machine }: Timeline): string =>
  `${machine.hash()} ${machine.cores.map((c) => `${c.rip.toString(16)} ${c.rflags} ${Array.from({ length: 16 }, (_, n) => c.gpr(n)).join(' ')}`).join(' | ')}`;

// Every third scenario: all families are among them.
const SCENARIOS = CATALOGUE.filter((_, n) => n % 3 === 0);

describe('a timeline of a schedule', () => {
  test.each(SCENARIOS.map((s) => [s.name, s] as const))('%s: each state is the same however one comes to it', (_, scenario) => {
    const { answers, hashes } = randomRun(scenario, 7, 150);
    const timeline = new ScheduleTimeline(begun(scenario), answers, 16);
    const random = chance(11);
    for (let n = 0; n < 60; n++) {
      const at = random(hashes.length);
      timeline.goto({ at, inside: 0 });
      expect(timeline.machine.hash(), `@${at}`).toBe(hashes[at]);
    }
    for (let at = timeline.end.at; at >= 0; at--) {
      timeline.goto({ at, inside: 0 });
      expect(timeline.machine.hash(), `back to @${at}`).toBe(hashes[at]);
    }
    timeline.world.release();
  });

  test.each(SCENARIOS.map((s) => [s.name, s] as const))(
    '%s: so is each place inside a step, and looking changes nothing',
    (_, scenario) => {
      const { answers, hashes } = randomRun(scenario, 23, 60);
      const timeline = new ScheduleTimeline(begun(scenario), answers, 16);
      const places: { readonly at: number; readonly inside: number; readonly state: string }[] = [];
      const look = (): boolean => {
        places.push({ ...timeline.position, state: seen(timeline) });
        return false;
      };
      expect(timeline.play(undefined, look)).toBe('end');
      expect(places.filter((p) => p.inside === 0).map((p) => p.at)).toEqual(answers.map((_, n) => n + 1));
      expect(timeline.machine.hash()).toBe(hashes.at(-1));
      const random = chance(5);
      for (let n = 0; n < (places.length > 0 ? 80 : 0); n++) {
        const place = places[random(places.length)]!;
        timeline.goto(place);
        expect(seen(timeline), `@${place.at}+${place.inside}`).toBe(place.state);
      }
      for (const place of places.slice(-40).reverse()) {
        timeline.goto(place);
        expect(seen(timeline), `back to @${place.at}+${place.inside}`).toBe(place.state);
      }
      timeline.world.release();
    },
  );

  test('another answer makes another run, and the first one can be taken again', () => {
    const scenario = CATALOGUE.find((s) => s.name === 'text-poke/three-phase')!;
    const { answers, hashes } = randomRun(scenario, 23, 80);
    const timeline = new ScheduleTimeline(begun(scenario), answers, 16);
    const at = answers.findIndex((a, n) => {
      timeline.goto({ at: n, inside: 0 });
      return n > 1 && timeline.options.length > a + 1;
    });
    expect(at).toBeGreaterThan(0);
    timeline.goto({ at, inside: 0 });
    timeline.take(answers[at]! + 1);
    expect(timeline.end.at).toBe(at + 1);
    expect(timeline.machine.hash()).not.toBe(hashes[at + 1]);
    timeline.replaceFrom(at, answers.slice(at));
    timeline.goto(timeline.end);
    expect(timeline.machine.hash()).toBe(hashes.at(-1));
    timeline.world.release();
  });

  test('a position that the run does not have is an error that says where it goes', () => {
    const scenario = CATALOGUE[0]!;
    const { answers } = randomRun(scenario, 3, 20);
    const timeline = new ScheduleTimeline(begun(scenario), answers);
    expect(() => timeline.goto({ at: answers.length + 1, inside: 0 })).toThrow(/no @\d+/);
    expect(() => timeline.goto({ at: 0, inside: 100_000 })).toThrow(/no @0\+100000/);
    timeline.world.release();
  });
});
