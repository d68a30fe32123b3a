import { describe, expect, test } from 'vitest';
import { type Flow, flowsOf } from '../../../src/debug/formats/flows.ts';
import { type Access, type Fetch, type Happening, type Trace, type TraceStep, writes } from '../../../src/debug/happening.ts';
import { anyRun, raceTrace } from './runs.ts';

const happened = (trace: Trace): Happening[] => trace.steps.flatMap((s) => [...s.happened]);

/** Pairs of the bytes that a write and a fetch have in common: what was written, what was fetched. */
function common(write: Access, fetch: Fetch): (readonly [written: number, fetched: number])[] {
  const bytes = fetch.bytes.split(' ').map((b) => Number.parseInt(b, 16));
  return bytes.flatMap((byte, n) => {
    const at = fetch.physical + n - write.physical;
    return at < 0 || at >= write.size ? [] : [[Number((write.value >> BigInt(8 * at)) & 0xffn), byte] as const];
  });
}

const textFlows = (trace: Trace): { flow: Flow; write: Access; fetch: Fetch }[] =>
  flowsOf(trace).flatMap((flow) =>
    flow.kind !== 'ipi' && writes(flow.from) && flow.to.what === 'fetch' ? [{ flow, write: flow.from, fetch: flow.to }] : [],
  );

describe('text that is written and fetched', () => {
  const scenarios = ['F1', 'ftrace/ghost-int3', 'ftrace/bulk', 'user/nmethod-barrier'];
  const runs = scenarios.flatMap((s) => [1, 2, 3, 4, 5, 6].map((seed) => anyRun(s, 200, undefined, seed)));

  test('what was seen was fetched as it was written, what was missed was not', () => {
    const all = runs.flatMap(textFlows);
    for (const { flow, write, fetch } of all) {
      const pairs = common(write, fetch);
      if (flow.kind === 'seen') expect(pairs.some(([written, fetched]) => written === fetched)).toBe(true);
      else expect(pairs.some(([written, fetched]) => written !== fetched)).toBe(true);
    }
    expect(new Set(all.map(({ flow }) => flow.kind))).toEqual(new Set(['seen', 'missed']));
  });

  test('a fetch has missed something where it is older than memory, and only there', () => {
    for (const trace of runs) {
      const missed = new Set(flowsOf(trace).flatMap((f) => (f.kind === 'missed' ? [f.to] : [])));
      for (const h of happened(trace)) if (h.what === 'fetch') expect(missed.has(h)).toBe(h.age.kind !== 'now');
    }
  });

  test('each core has one first sight of a write', () => {
    for (const trace of runs) {
      const seen = textFlows(trace).filter(({ flow }) => flow.kind === 'seen');
      for (const write of new Set(seen.map((s) => s.write))) {
        const cores = seen.filter((s) => s.write === write).map((s) => s.fetch.core);
        expect(cores).toEqual([...new Set(cores)]);
      }
    }
  });
});

test('every IPI that is taken leads to its handler; two that are pending together are taken together', () => {
  const trace = raceTrace();
  const taken = happened(trace).filter((h) => h.what === 'interrupt');
  expect(
    flowsOf(trace)
      .filter((f) => f.kind === 'ipi')
      .map((f) => f.to),
  ).toEqual(taken);

  const step = (at: number, core: number, h: Happening): TraceStep => ({
    at,
    core,
    choice: 'step',
    answer: 0,
    offered: 1,
    rip: 0n,
    symbol: 'f',
    happened: [h],
  });
  const send = (core: number): Happening => ({ what: 'ipi', core, vector: 250, name: 'SYNC', targets: [2] });
  const take: Happening = { what: 'interrupt', core: 2, vector: 250, name: 'SYNC', rip: 'f', frame: 0n };
  const other: Happening = { ...take, vector: 251 };
  const steps = [step(0, 0, send(0)), step(1, 1, send(1)), step(2, 2, other), step(3, 2, take), step(4, 2, { ...take })];
  expect(flowsOf({ ...trace, steps }).map((f) => [f.from.core, f.to])).toEqual([
    [0, take],
    [1, take],
  ]);
});
