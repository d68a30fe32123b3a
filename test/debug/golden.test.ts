// Golden files of race (a) without its final SYNC. They hold addresses and a state hash, so a rebuilt lab image changes them:
// TEXTPOKE_ACCEPT=1 npx vitest run test/debug writes them anew; read the diff before committing it.
import { expect, test } from 'vitest';
import { raceDiagram } from '../../src/debug/diagram.ts';
import { formatTrace, recordTrace } from '../../src/debug/trace.ts';
import { explainWhy } from '../../src/debug/why.ts';
import { expectGolden } from './golden.ts';
import { type Leg, mark, never, type RaceSetup, raceA, walk, worldsOf } from './race-a.ts';

/** CPU1 traps before the first SYNC; through a trap gate it can answer every SYNC from inside its handler. */
const lateHandler: readonly Leg[] = [
  { core: 0, until: (step) => step.happened.some((h) => h.what === 'mark' && h.kind === 'phase') },
  { core: 1, until: (step) => step.happened.some((h) => h.what === 'exception') },
  { core: 0, helpers: [1], until: mark('sync', 'final sync') },
  { core: 0, until: never },
  { core: 1, until: never },
];

const cases: readonly (readonly [string, RaceSetup, readonly Leg[]])[] = [
  ['race-a-tso', {}, raceA],
  ['race-a-sc', { memory: 'sc' }, raceA],
  ['race-a-two-victims', { victims: 2 }, raceA],
  ['race-a-trap-gate', { trapGate: true, switches: {} }, lateHandler],
];

test.each(cases)('%s: trace, diagram and why, the same every time', (name, setup, legs) => {
  const make = worldsOf(setup);
  const { answers, trace } = walk(make(), legs);
  const violation = [...(trace.steps.at(-1)?.happened ?? [])].find((h) => h.what === 'violation');
  expect(violation).toMatchObject({ check: 'I1' });
  const say = (): readonly [string, string, string] => {
    const recorded = recordTrace(make(), answers);
    const why = explainWhy(make, answers, { check: 'I1', message: '', core: violation?.core ?? -1, rip: 0n });
    return [formatTrace(recorded), raceDiagram(recorded), why.text];
  };
  const once = say();
  expect(say()).toEqual(once);
  expect(formatTrace(trace)).toBe(once[0]);
  const [text, diagram, why] = once;
  expectGolden(`${name}.trace`, text);
  expectGolden(`${name}.diagram`, `${diagram}\n${why}`);
  const wide = (limit: number, all: string): string[] =>
    all.split('\n').filter((l) => l.length > limit || !/^[ -~]*$/.test(l) || l !== l.trimEnd());
  expect(wide(80, text)).toEqual([]);
  expect(wide(75, `${diagram}${why}`)).toEqual([]);
});

test('a world made again from nothing gives the same bytes', () => {
  const first = walk(worldsOf({})(), raceA);
  const second = walk(worldsOf({})(), raceA);
  expect(second.answers).toEqual(first.answers);
  expect(formatTrace(second.trace)).toBe(formatTrace(first.trace));
});
