import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replayToken } from '../../src/debug/replay.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { catalogueEntry } from '../../src/web/catalogue-entry.ts';
import { Emulator } from '../../src/web/emulator/emulator.ts';
import { errorView } from '../../src/web/emulator/error-view.ts';
import { FixtureStore, fetchFrom } from '../../src/web/emulator/fixture-store.ts';
import { HandlerStacks } from '../../src/web/emulator/handler-stacks.ts';
import { type RunView, TAGS } from '../../src/web/emulator/protocol.ts';

const RACE = 'tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g';

let loads: string[] = [];
const store = new FixtureStore(async (name) => {
  loads.push(name);
  return readFileSync(new URL(`../../fixtures/${name}/${name}.elf`, import.meta.url));
});
const emulator = new Emulator(store);
const open = (token: string): Promise<RunView> => emulator.call('open', { token });

describe('what the worker does', () => {
  test('opens a token: the steps, what broke, IPIs and handlers; its image is loaded once', async () => {
    loads = [];
    const run = await open(RACE);
    await open(RACE);
    expect(loads).toEqual(['lab']);
    expect(run).toMatchObject({ alias: 'F1', variant: 'no-final-sync', cores: 3, count: 28, open: false });
    expect(run.broken).toMatchObject({ check: 'I1', core: 1, at: 27 });
    expect(TAGS[run.tag[27]!]).toBe('violation');
    expect(TAGS[run.tag[3]!]).toBe('text');
    // Where the patcher only goes on, nothing is told.
    expect([3, 6, 27].map((n) => run.told[n])).toEqual([1, 0, 1]);
    expect(run.arrows.map((a) => `${a.name} ${a.sender}@${a.from} ${a.target}@${a.to}`)).toEqual([
      'SYNC 0@7 1@8',
      'SYNC 0@7 2@10',
      'SYNC 0@17 1@18',
      'SYNC 0@17 2@21',
    ]);
    expect(run.handlers.filter((h) => h.core === 1).map((h) => `${h.name} ${h.from} to ${h.to}`)).toEqual([
      'SYNC 8 to 10',
      'SYNC 18 to 20',
      '#BP 20 to 28',
    ]);
    const runner = new CellRunner(store.fixtures);
    const { trace, world } = replayToken(runner, RACE);
    world.release();
    expect(run.hash).toBe(trace.hash);
  });

  test('the state at a place: bytes, what each core may fetch, choices, handlers, code', async () => {
    await open(RACE);
    const state = await emulator.call('state', { at: 20, inside: 0, core: 1 });
    const [site] = state.sites;
    const hex = (row: number): string => site!.rows[row]!.bytes.map((b) => b.value.toString(16)).join(' ');
    expect(hex(0)).toBe('cc ad e9 ff ff');
    // CPU2 has not taken the second SYNC: it may still fetch the old tail.
    expect(site!.rows[3]!.bytes.map((b) => b.stale.length > 0)).toEqual([false, true, true, false, false]);
    expect(site!.rows[2]!.bytes.every((b) => b.stale.length === 0)).toBe(true);
    expect(state.options.map((o) => o.taken)).toEqual([true, false, false]);
    expect(state.cores[2]!.interrupts).toEqual(['SYNC']);
    expect(state.code.find((line) => line.current)).toMatchObject({ label: 'ftrace_call', text: 'int3', site: true });
    const later = await emulator.call('state', { at: 27, inside: 0, core: 1 });
    expect(later.cores[1]!.stack.map((f) => f.name)).toEqual(['#BP']);
    expect(later.cores[1]!.source?.file).toBe('fixtures/lab/int3-ftrace.c');
    const changed = await emulator.call('state', { at: 4, inside: 0, core: 0 });
    expect(changed.sites[0]!.rows[0]!.bytes.map((b) => b.changed)).toEqual([true, false, false, false, false]);
  });

  test('any place both ways is the same state, also inside a step', async () => {
    await open(RACE);
    const hashes: (string | undefined)[] = [];
    for (let at = 0; at <= 28; at++) hashes.push((await emulator.call('state', { at, inside: 0, core: 0 })).hash);
    for (let at = 28; at >= 0; at -= 3) expect((await emulator.call('state', { at, inside: 0, core: 0 })).hash).toBe(hashes[at]);
    const inside = await emulator.call('state', { at: 20, inside: 2, core: 1 });
    expect(inside.options).toEqual([]);
    expect(inside.hash).toBeUndefined();
    expect(inside.registers.find((r) => r.name === 'rip')?.changed).toBe(true);
  });

  test('another choice gives another run with a token of its own', async () => {
    await open(RACE);
    const other = await emulator.call('take', { at: 20, choice: 1 });
    expect(other.broken).toBeUndefined();
    expect(other.open).toBe(false);
    expect(other.token).not.toBe(RACE);
    expect((await open(other.token)).hash).toBe(other.hash);
  });

  test('searches a variant; where it holds, the token is that of one of its runs', async () => {
    const f1 = catalogueEntry(CATALOGUE.find((s) => s.alias === 'F1')!);
    const holds = await emulator.call('find', { scenario: f1.name, variant: 'final-sync', cell: f1.cell });
    expect(holds).toMatchObject({ verdict: 'ok', breaks: false, recorded: 'recorded ok' });
    expect((await open(holds.token ?? '')).broken).toBeUndefined();
    const breaks = await emulator.call('find', { scenario: f1.name, variant: 'no-final-sync', cell: f1.cell });
    expect(breaks.breaks).toBe(true);
    expect((await open(breaks.token ?? '')).broken?.check).toBe('I1');
  });

  test('a longer search tells how far it is', async () => {
    const cell = { victims: 3, fetch: 'intel-sdm', memory: 'tso' } as const;
    const seen: number[] = [];
    await emulator.call('find', { scenario: 'ftrace/late-handler', variant: 'final-sync', cell }, (p) => seen.push(p.transitions));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.at(-1)).toBeGreaterThan(4000);
  });

  test('searches from a place: before the fatal step a violation is within reach, in a run that passes it is not', async () => {
    const from = await emulator.call('findFrom', { token: RACE, at: 20, choice: 1 });
    expect(from.breaks).toBe(true);
    const run = await open(from.token ?? '');
    expect(run.broken).toBeDefined();
    expect(Array.from(run.answer.slice(0, 20))).toEqual(Array.from((await open(RACE)).answer.slice(0, 20)));
    // Behind its last serializing answer nothing can break any more.
    await open(RACE);
    const other = await emulator.call('take', { at: 20, choice: 1 });
    const end = await emulator.call('findFrom', { token: other.token, at: other.count, choice: undefined });
    expect(end.breaks).toBe(false);
  });

  test('tells who acts in a race and which bytes change', async () => {
    const story = await emulator.call('story', { scenario: 'ftrace/late-handler' });
    expect(story).toMatch(/^actors[\s\S]*CPU1 +victim_main, calls traced_by_a[\s\S]*\n\nbytes\n +ftrace_call[\s\S]*old +e8/);
    expect(story).not.toContain('variants, and what');
  });

  test('a run without any choice has a token, too', async () => {
    const cell = { victims: 0, fetch: 'intel-sdm', memory: 'tso' } as const;
    const { token } = await emulator.call('find', { scenario: 'ftrace/recursion', variant: 'late', cell });
    expect(await open(token ?? '')).toMatchObject({ count: 0, broken: { check: 'I6', at: 0 } });
  });

  test('errors come in three parts', async () => {
    const bad = await emulator.call('open', { token: 'tp1_AAAA' }).catch(errorView);
    expect(bad).toMatchObject({ code: 'E_TOKEN', where: 'tp1_AAAA', hint: expect.stringContaining('copy') });
    expect(errorView(new RangeError('x'))).toMatchObject({ code: 'E_PAGE', message: 'x' });
    await expect(fetchFrom({})('lab')).rejects.toMatchObject({ code: 'E_FILE' });
  });
});

test('handlers: an IRET leaves the one whose frame it takes, also where its stub has moved that; one that serializes leaves none', () => {
  const entered = (frame: bigint, name: string) => ({ what: 'exception', core: 0, vector: 3, name, rip: 'f', frame }) as const;
  const iret = (frame: bigint) => ({ what: 'iret', core: 0, rip: 'f', frame }) as const;
  const steps = [
    [entered(900n, '#BP')],
    [entered(500n, 'NMI')],
    [iret(1n)],
    [iret(500n)],
    [entered(500n, '#PF')],
    [iret(852n)],
    [iret(500n)],
  ];
  const stacks = new HandlerStacks({
    cores: 1,
    roles: [''],
    buffered: [0],
    steps: steps.map((happened, at) => ({ at, core: 0, choice: 'step', answer: 0, offered: 1, rip: 0n, symbol: '', happened })),
    end: [],
    violations: [],
    hash: '',
  });
  const names = (at: number): string =>
    stacks
      .at(0, at)
      .map((f) => f.name)
      .join();
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(names)).toEqual(['', '#BP', '#BP,NMI', '#BP,NMI', '#BP', '#BP,#PF', '#PF', '']);
  expect(stacks.intervals(7).map((i) => `${i.name} ${i.depth} ${i.from} ${i.to}`)).toEqual(['#BP 0 0 6', 'NMI 1 1 4', '#PF 1 4 7']);
});
