import { describe, expect, test } from 'vitest';
import { hexBytes } from '../../../src/debug/names.ts';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import { EVENT_KINDS, eventsOf, nextEvent, previousEvent, viewsOf, whoFetched, whoWrote } from '../../../src/debug/timeline/queries.ts';
import { openCell } from '../../../src/debug/timeline/session.ts';
import { pendingStores } from '../../../src/machine/look.ts';
import { scenarioOf } from '../../../src/scenario/catalogue.ts';
import { CellRunner, smokeCell } from '../../../src/scenario/matrix.ts';
import { variantOf } from '../../../src/scenario/scenario.ts';
import { builtFixture } from '../../../tools/built-fixture.ts';
import { bareOf } from '../../kernel/bare.ts';

const scenario = scenarioOf('F1');
const { session } = openCell(new CellRunner(builtFixture), scenario, variantOf(scenario, 'no-final-sync'), smokeCell(scenario));
const { timeline } = session;
const trace = session.trace();
const site = timeline.world.sites[0]!;
const at = (step: number, inside = 0): void => timeline.goto({ at: step, inside });

/** Steps in which the first byte of the site came to memory, by what was written. */
const drained = (value: bigint): number =>
  eventsOf(trace, 'drain').find(({ happening: h }) => h.what === 'access' && h.name === `${site.name}[0]` && (h.value & 0xffn) === value)!
    .at;

describe('who wrote', () => {
  test('nobody wrote the site before the first store to it', () => {
    at(0);
    expect(whoWrote(timeline, 1, site.address, 5, trace)).toEqual([]);
  });

  test('a store waits in its buffer, then memory has it, and the step that made it is the same', () => {
    const step = drained(0xccn);
    at(step);
    const [waiting] = whoWrote(timeline, 1, site.address, 1, trace);
    expect(waiting).toMatchObject({ core: 0, reached: undefined });
    expect(waiting!.stored).toBeLessThan(step);
    expect(hexBytes(waiting!.bytes)).toBe('cc');
    at(step + 1);
    expect(whoWrote(timeline, 1, site.address, 1, trace)).toEqual([{ ...waiting, reached: step }]);
  });

  test('bytes of several stores have several writers', () => {
    at(timeline.end.at);
    const writers = whoWrote(timeline, 1, site.address, 5, trace);
    expect(writers.map((w) => [Number(w.address - site.address), w.size, w.reached])).toEqual([
      [0, 1, drained(BigInt(site.versions[1]![0]!))],
      [1, 4, expect.any(Number)],
    ]);
    expect(writers[1]!.reached).toBeLessThan(writers[0]!.reached!);
    expect(writers.flatMap((w) => [...w.bytes])).toEqual([...site.versions[1]!]);
  });

  test('of memory that is not shared it is the last change, and the run stays where it is', () => {
    at(timeline.end.at);
    const hash = timeline.machine.hash();
    const rsp = timeline.machine.cores[1]!.gpr(4);
    const [writer] = whoWrote(timeline, 1, rsp, 8, trace);
    expect(writer).toMatchObject({ core: 1, size: 8 });
    expect(timeline.machine.hash()).toBe(hash);
    expect(timeline.position).toEqual(timeline.end);
  });

  test('an image alone has no trace: the last change is found by going back', () => {
    const bare = bareOf('mov $1, %al\nmov %al, word(%rip)\nnop\nmov $2, %al\nmov %al, word+1(%rip)\nnop\nhlt\nword: .quad 0\n', {
      journal: true,
    });
    const run = new BareTimeline(bare);
    const word = run.image.symbol('word').address;
    run.goto({ at: 6, inside: 0 });
    expect(whoWrote(run, 0, word, 1)).toMatchObject([{ stored: 1, core: 0, size: 1 }]);
    expect(whoWrote(run, 0, word, 2)).toMatchObject([{ stored: 4, size: 2 }]);
    expect(whoWrote(run, 0, word + 4n, 1)).toEqual([]);
    expect(run.position).toEqual({ at: 6, inside: 0 });
  });
});

describe('who fetched', () => {
  test('each fetch of the site up to here, with what it returned', () => {
    at(timeline.end.at);
    const fetched = whoFetched(timeline, 1, site.address, 1, trace);
    expect(fetched.map((f) => f.fetch)).toEqual(eventsOf(trace, 'fetch').map((e) => e.happening));
    expect(fetched.some((f) => f.fetch.bytes === 'cc')).toBe(true);
    at(fetched[0]!.at);
    expect(whoFetched(timeline, 1, site.address, 1, trace)).toEqual([]);
    at(fetched[0]!.at + 1);
    expect(whoFetched(timeline, 1, site.address, 1, trace)).toEqual([fetched[0]]);
  });

  test('a store that came to memory is one of the views of a core that has not serialized', () => {
    const step = drained(0xccn);
    at(step);
    expect(viewsOf(timeline, 1, site.address).cores[1]!.map((v) => v.stale)).toEqual([false]);
    at(step + 1);
    const { memory, cores } = viewsOf(timeline, 1, site.address);
    expect(memory[0]).toBe(0xcc);
    expect(cores[1]!.map((v) => [v.bytes[0], v.stale])).toEqual([
      [0xcc, false],
      [0xe8, true],
    ]);
    expect(pendingStores(timeline.machine, timeline.machine.cores[1]!)).toEqual([]);
  });
});

describe('events', () => {
  test('next and previous go through all of a kind, in order', () => {
    for (const kind of EVENT_KINDS) {
      const steps = [...new Set(eventsOf(trace, kind).map((e) => e.at))];
      const forward: number[] = [];
      for (let e = nextEvent(trace, { at: -1, inside: 0 }, kind); e !== undefined; e = nextEvent(trace, { at: e.at, inside: 0 }, kind))
        forward.push(e.at);
      const back: number[] = [];
      const last = { at: trace.steps.length, inside: 0 };
      for (let e = previousEvent(trace, last, kind); e !== undefined; e = previousEvent(trace, { at: e.at, inside: 0 }, kind))
        back.push(e.at);
      expect(forward).toEqual(steps);
      expect(back).toEqual([...steps].reverse());
    }
    expect(eventsOf(trace, 'exception').map((e) => e.happening)).toMatchObject([{ name: '#BP', core: 1 }]);
    expect(eventsOf(trace, 'violation').map((e) => e.at)).toEqual([trace.steps.length - 1]);
  });

  test('inside a step its own event lies behind', () => {
    const [bp] = eventsOf(trace, 'exception');
    expect(previousEvent(trace, { at: bp!.at, inside: 0 }, 'exception')).toBeUndefined();
    expect(previousEvent(trace, { at: bp!.at, inside: 1 }, 'exception')).toEqual(bp);
    expect(eventsOf(trace, 'exception', 0)).toEqual([]);
  });
});
