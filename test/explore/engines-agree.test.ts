import { describe, expect, test } from 'vitest';
import { learn } from '../../src/explore/explore.ts';
import { choose, endOf, options } from '../../src/explore/path.ts';
import { Random } from '../../src/explore/random.ts';
import { searchStates } from '../../src/explore/stateful.ts';
import type { World } from '../../src/explore/world.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { scenarioOf } from '../../src/scenario/catalogue.ts';
import { lab } from '../fixtures/lab.ts';

const CASES = [
  ['F1', 'no-final-sync', 2],
  ['F1', 'guest-final-sync', 1],
  ['F2', 'seqcount', 1],
  ['F4', 'no-gap-rsp0', 1],
  ['F8', 'aba-recheck', 1],
  ['text-poke/three-phase', 'call-to-call.no-sync2', 1],
  ['text-poke/straddling', 'l61.no-sync1', 1],
  ['B07', 'irqs-on', 0],
  ['B09', 'complete', 1],
  ['B20', 'generation', 1],
] as const;

/** One line a step of a random schedule: which choice of how many, the state's hash, what it violated. */
function schedule(world: World, seed: number): string[] {
  const random = new Random(seed);
  const lines = [world.machine.hash()];
  let lastCore = 0;
  for (let n = 0; n < 400; n++) {
    const offered = options(world, lastCore);
    if (offered.length === 0) {
      lines.push(
        `end ${endOf(world)
          .map((v) => v.message)
          .join('; ')}`,
      );
      break;
    }
    const answer = random.below(offered.length);
    const choice = offered[answer]!;
    lastCore = choice.core;
    world.machine.mark();
    const violations = choose(world, choice);
    lines.push(
      `${answer} of ${offered.length} ${choice.kind} ${choice.core} ${world.machine.hash()} ${violations.map((v) => v.message).join('; ')}`,
    );
    if (violations.length > 0) break;
  }
  return lines;
}

describe('the reference engine and the interpreter', () => {
  test.each(CASES)('%s %s: equal states along random schedules', (name, variant, victims) => {
    const scenario = scenarioOf(name);
    const make = (engine: EngineName) => (): World => scenario.build(lab, variant, { victims, fetch: 'intel-sdm', memory: 'tso' }, engine);
    const knowledge = learn(make('interpreter'));
    const lengths: number[] = [];
    for (let seed = 1; seed <= 3; seed++) {
      const [reference, interpreter] = (['reference', 'interpreter'] as const).map((engine) => {
        const world = make(engine)();
        world.begin(knowledge);
        return schedule(world, seed);
      });
      expect(reference).toEqual(interpreter);
      lengths.push(reference!.length);
    }
    expect(Math.max(...lengths)).toBeGreaterThan(5);
  });

  test.each([
    ['F1', 'final-sync'],
    ['F1', 'no-final-sync'],
    ['text-poke/three-phase', 'nop-to-call.complete'],
  ])('%s %s: equal states, transitions and violations of the whole graph', (name, variant) => {
    const scenario = scenarioOf(name);
    const graph = (engine: EngineName): unknown => {
      const make = (): World => scenario.build(lab, variant, { victims: 1, fetch: 'intel-sdm', memory: 'tso' }, engine);
      const knowledge = learn(make);
      const world = make();
      world.begin(knowledge);
      const { counts, violations } = searchStates(world, { wholeGraph: true });
      return { counts, violations, witnessed: [...world.witnessed].sort(), size: knowledge.size };
    };
    expect(graph('reference')).toEqual(graph('interpreter'));
  });

  test('undoing a schedule gives the state that it began in', () => {
    const scenario = scenarioOf('F2');
    const world = scenario.build(lab, 'unprotected', { victims: 2, fetch: 'intel-sdm', memory: 'tso' });
    world.begin(learn(() => scenario.build(lab, 'unprotected', { victims: 2, fetch: 'intel-sdm', memory: 'tso' })));
    const before = world.machine.hash();
    const memory = world.machine.peek(0, 0x1100000).slice();
    const mark = world.machine.mark();
    for (let seed = 1; seed <= 5; seed++) {
      const lines = schedule(world, seed);
      expect(lines.at(-1)).not.toBe(lines[0]);
      world.machine.rollback(mark);
      world.machine.mark();
      expect(world.machine.hash()).toBe(before);
      expect(Buffer.compare(world.machine.peek(0, 0x1100000), memory)).toBe(0);
    }
  });
});
