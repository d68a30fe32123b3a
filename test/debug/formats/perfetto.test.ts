import { expect, test } from 'vitest';
import { flowsOf } from '../../../src/debug/formats/flows.ts';
import { perfettoTrace } from '../../../src/debug/formats/perfetto.ts';
import type { Trace } from '../../../src/debug/happening.ts';
import { CORE } from '../../../src/engine/layout.ts';
import { expectGolden } from '../golden.ts';
import { type DecodedEvent, type DecodedPacket, decodePerfetto } from './perfetto-decode.ts';
import { ABOUT, anyRun, raceTrace } from './runs.ts';

const packetsOf = (trace: Trace): DecodedPacket[] => decodePerfetto(Buffer.concat([...perfettoTrace(trace, ABOUT)]));
const events = (packets: readonly DecodedPacket[]): { readonly time: number; readonly event: DecodedEvent }[] =>
  packets.flatMap((p) => (p.track_event === undefined ? [] : [{ time: Number(p.timestamp), event: p.track_event }]));
const trackNames = (packets: readonly DecodedPacket[]): Map<string, string> =>
  new Map(packets.flatMap((p) => (p.track_descriptor === undefined ? [] : [[p.track_descriptor.uuid, p.track_descriptor.name] as const])));

/** Slices of a track by nesting; throws where they do not nest or stay open. */
function slicesOf(
  packets: readonly DecodedPacket[],
): { readonly track: string; readonly name: string; readonly from: number; readonly to: number; readonly depth: number }[] {
  const open = new Map<string, { name: string; from: number }[]>();
  const slices: ReturnType<typeof slicesOf> = [];
  for (const { time, event } of events(packets)) {
    const stack = open.get(event.track_uuid) ?? [];
    open.set(event.track_uuid, stack);
    if (event.type === 'TYPE_SLICE_BEGIN') stack.push({ name: event.name ?? '', from: time });
    if (event.type !== 'TYPE_SLICE_END') continue;
    const begun = stack.pop();
    if (begun === undefined) throw new Error(`at ${time} a slice of track ${event.track_uuid} ends that never began`);
    slices.push({ track: event.track_uuid, ...begun, to: time, depth: stack.length });
  }
  for (const [track, stack] of open) if (stack.length > 0) throw new Error(`${stack.length} slices of track ${track} never end`);
  return slices;
}

const SCENARIOS = ['F1', 'ftrace/call-emulation', 'kprobes/reenter-bug', 'tracepoint/after-unregister', 'livepatch/irq-enter-in-window'];

test('race (a), packet by packet', () => {
  const packets = packetsOf(raceTrace());
  expectGolden('race-a-tso.perfetto', `${packets.map((p) => JSON.stringify(p)).join('\n')}\n`);
});

test.each(SCENARIOS)('%s: every track has a name, every event a track, and time never goes back', (scenario) => {
  const trace = anyRun(scenario, 150);
  const packets = packetsOf(trace);
  const names = trackNames(packets);
  expect([...names.values()].filter((n) => n === '')).toEqual([]);
  expect(new Set(names.values()).size).toBe(1 + 3 * trace.cores);
  expect(
    packets.filter((p) => p.track_descriptor?.parent_uuid !== undefined).map((p) => names.has(p.track_descriptor?.parent_uuid ?? '')),
  ).not.toContain(false);
  expect(events(packets).filter(({ event }) => !names.has(event.track_uuid))).toEqual([]);
  const times = events(packets).map(({ time }) => time);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(packets[0]?.sequence_flags).toBe(1);
  expect(new Set(packets.map((p) => p.trusted_packet_sequence_id))).toEqual(new Set([1]));
});

test.each(SCENARIOS)('%s: slices nest and close; a step is one microsecond of its core', (scenario) => {
  const trace = anyRun(scenario, 150);
  const packets = packetsOf(trace);
  const names = trackNames(packets);
  const slices = slicesOf(packets);
  const steps = slices.filter((s) => names.get(s.track)?.match(/^CPU\d+ \(/)).sort((a, b) => a.from - b.from);
  expect(steps.map((s) => [s.from, s.to, s.depth, Number(/\d+/.exec(names.get(s.track) ?? '')?.[0])])).toEqual(
    trace.steps.map((s) => [s.at * 1000, s.at * 1000 + 1000, 0, s.core]),
  );
  const happened = [...trace.steps.flatMap((s) => [...s.happened]), ...trace.end];
  const entered = happened.filter((h) => h.what === 'exception' || h.what === 'interrupt').map((h) => h.name);
  const handlers = events(packets).filter(({ event }) => event.type === 'TYPE_SLICE_BEGIN' && event.categories?.includes('handler'));
  expect(handlers.map(({ event }) => event.name)).toEqual(entered);
});

test.each(SCENARIOS)('%s: the counters are the store buffers of the machine', (scenario) => {
  const depths: number[][] = [];
  const trace = anyRun(scenario, 150, (world) => depths.push(world.machine.cores.map((c) => c.raw(CORE.storeBufferCount))));
  const packets = packetsOf(trace);
  const names = trackNames(packets);
  const counts = events(packets).flatMap(({ time, event }) =>
    event.type === 'TYPE_COUNTER'
      ? [{ time, core: Number(/\d+/.exec(names.get(event.track_uuid) ?? '')?.[0]), value: Number(event.counter_value) }]
      : [],
  );
  const shown = depths.map((row, step) =>
    row.map((_, core) => counts.findLast((c) => c.core === core && c.time < (step + 1) * 1000)?.value),
  );
  expect(shown).toEqual(depths);
  expect(Math.max(...depths.flat())).toBeGreaterThan(0);
});

test.each(SCENARIOS)('%s: each flow leaves one event and comes to one later', (scenario) => {
  const trace = anyRun(scenario, 150);
  const all = events(packetsOf(trace));
  const ends = (of: 'flow_ids' | 'terminating_flow_ids'): { id: string; time: number }[] =>
    all.flatMap(({ time, event }) => (event[of] ?? []).map((id) => ({ id, time })));
  const from = ends('flow_ids');
  const to = ends('terminating_flow_ids');
  expect(to.map((f) => f.id).sort()).toEqual(from.map((f) => f.id).sort());
  expect(new Set(from.map((f) => f.id)).size).toBe(flowsOf(trace).length);
  for (const { id, time } of to) expect(time).toBeGreaterThan(from.find((f) => f.id === id)?.time ?? Number.POSITIVE_INFINITY);
});
