import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Exit } from '../../src/error.ts';
import { root } from '../../tools/bootstrap.mjs';
import { faults } from '../debug/formats/json-schema.ts';
import { decodePerfetto } from '../debug/formats/perfetto-decode.ts';
import { textpoke as program, type World } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };
const schema = JSON.parse(readFileSync(join(root, 'docs/trace.schema.json'), 'utf8'));
const textpoke = (args: readonly string[], world: World = {}) => program(args, { files, ...world });
const small = ['--victims', '1'];

/** The run of the scenario that the tests look at, as a token. */
const [token = ''] = (await textpoke(['trace', 'F1', ...small])).stderr().match(/tp1_\S+/) ?? [];

describe('which run', () => {
  test('of a scenario the shortest that breaks the first variant that fails, as explore finds it', async () => {
    const { exit, stdout, stderr } = await textpoke(['trace', 'F1', ...small]);
    expect(exit).toBe(Exit.ok);
    expect(stderr()).toBe(`ftrace/late-handler no-final-sync: the shortest run that fails\n${token}\n`);
    expect(stdout()).toContain('VIOLATION I1');
    expect((await textpoke(['explore', 'F1', '--variant', 'no-final-sync', ...small])).stdout()).toContain(token);
  });

  test('of a variant that holds one in which everything happens; of a named variant its own; quiet says nothing', async () => {
    const holds = await textpoke(['trace', 'F1', '--variant', 'final-sync', ...small]);
    expect([holds.exit, holds.stderr().split('\n')[0]]).toEqual([
      Exit.ok,
      'ftrace/late-handler final-sync: a run of first answers: nothing fails',
    ]);
    expect(holds.stdout()).not.toContain('VIOLATION');
    expect(holds.stdout()).toContain('end ftrace_call');
    const other = await textpoke(['trace', 'F1', '--variant', 'trap-gate', ...small, '--quiet']);
    expect([other.exit, other.stderr()]).toEqual([Exit.ok, '']);
    expect(other.stdout()).toMatch(/^ftrace\/late-handler trap-gate: /);
  });

  test('of a token its own; the token stands anywhere in what is given, or on standard input', async () => {
    const { exit, stdout, stderr } = await textpoke(['trace', `replay   textpoke replay ${token} and so on`]);
    expect([exit, stderr()]).toEqual([Exit.ok, '']);
    expect((await textpoke(['trace', '-'], { stdin: token })).stdout()).toBe(stdout());
  });

  test('models choose the cell', async () => {
    const { stdout } = await textpoke(['trace', 'F1', ...small, '--fetch', 'zen3', '--memory', 'sc']);
    expect(stdout()).toContain('2 cores (1 victim), fetch zen3, memory sc');
  });
});

describe('formats', () => {
  test.each(['text', 'changelog', 'json', 'mermaid', 'ftrace'])('replay --format %s prints what trace does', async (format) => {
    const trace = await textpoke(['trace', token, '--format', format]);
    const replay = await textpoke(['replay', token, '--format', format]);
    expect([trace.exit, replay.exit]).toEqual([Exit.ok, Exit.violation]);
    expect(replay.stdout()).toBe(trace.stdout());
    expect((await textpoke(['trace', token, '--format', format])).stdout()).toBe(trace.stdout());
  });

  test('replay without a format is the text', async () => {
    expect((await textpoke(['replay', token])).stdout()).toBe((await textpoke(['trace', token])).stdout());
  });

  test('--json is --format json, and what the schema says', async () => {
    const { stdout } = await textpoke(['trace', token, '--json']);
    expect(stdout()).toBe((await textpoke(['trace', token, '--format', 'json'])).stdout());
    const lines = stdout().trimEnd().split('\n');
    expect(lines.flatMap((l) => faults(schema, JSON.parse(l)))).toEqual([]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      v: 1,
      type: 'trace',
      scenario: 'ftrace/late-handler',
      variant: 'no-final-sync',
      token,
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'end', steps: lines.length - 2, violations: [{ check: 'I1' }] });
  });

  test('perfetto goes to a file, or to a pipe, as bytes', async () => {
    const { exit, bytes, stdout } = await textpoke(['trace', token, '--format', 'perfetto', '--out', 'run.pftrace']);
    expect([exit, stdout()]).toEqual([Exit.ok, '']);
    const file = bytes.get('run.pftrace') ?? new Uint8Array();
    expect(decodePerfetto(file)[0]?.track_descriptor?.name).toBe('textpoke trace v1: ftrace/late-handler no-final-sync');
    const piped = await textpoke(['replay', token, '--format', 'perfetto']);
    expect(Buffer.from(piped.stdout(), 'latin1').equals(file)).toBe(true);
    const terminal = await textpoke(['trace', token, '--format', 'perfetto'], { tty: true });
    expect([terminal.exit, terminal.stdout()]).toEqual([Exit.usage, '']);
    expect(terminal.stderr()).toContain('--out');
  });

  test('a changelog has 75 columns at most and no colour', async () => {
    const { stdout } = await textpoke(['trace', token, '--format', 'changelog', '--width', '200'], {
      tty: true,
      env: { FORCE_COLOR: '1' },
    });
    expect(
      stdout()
        .split('\n')
        .filter((l) => l.length > 75 || /[^ -~]/.test(l)),
    ).toEqual([]);
    expect(stdout()).toContain('CPU0 (patcher)');
  });
});

describe('--at', () => {
  test('the state before a step: cores, what waits in them, text and who may fetch what', async () => {
    const steps = (await textpoke(['trace', token])).stdout();
    const [, at] = /^@(\d+) .*\n {8}IPI SYNC/m.exec(steps) ?? [];
    const { exit, stdout } = await textpoke(['trace', token, '--at', `${Number(at) + 1}`]);
    expect(exit).toBe(Exit.ok);
    expect(stdout()).toMatch(new RegExp(`^@${Number(at) + 1} of \\d+ {3}next CPU\\d `, 'm'));
    expect(stdout()).toMatch(/^CPU1 {3}ftrace_call \(0x[0-9a-f]{16}\)\n {7}pending {3}SYNC$/m);
    expect(stdout()).toMatch(/^ {2}memory {2}cc .*\n {2}CPU0 {4}cc .*\n {2}CPU1 {4}cc +int3\n {10}e8 .* stale call ftrace_stub$/m);
  });

  test('as json, at every position: what is buffered, what differs from the step before', async () => {
    const all = (await textpoke(['trace', token, '--json']))
      .stdout()
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l));
    const end = all.at(-1);
    const depth: number[] = all[0].cores.map((c: { buffered: number }) => c.buffered);
    for (let at = 0; at <= end.steps; at += 3) {
      const { exit, stdout } = await textpoke(['trace', token, '--at', `@${at}`, '--json']);
      const state = JSON.parse(stdout());
      expect([exit, faults(schema, state)]).toEqual([Exit.ok, []]);
      const before = all.slice(1, 1 + at).flatMap((s) => s.happened);
      const drained = (kind: string, core: number): number => before.filter((h) => h.access === kind && h.core === core).length;
      expect(state.cores.map((c: { buffer: unknown[] }) => c.buffer.length)).toEqual(
        depth.map((d, core) => d + drained('buffer', core) - drained('drain', core)),
      );
      expect(state.next === null).toBe(at === end.steps);
      const moved = all[at]?.core;
      for (const c of state.cores) if (at === 0 || c.core !== moved) expect(c.changed).toEqual([]);
      if (at === end.steps) expect(state.hash).toBe(end.hash);
    }
  });

  test('end is behind the last step, as step and gdb have it', async () => {
    const { exit, stdout } = await textpoke(['trace', token, '--at', 'end', '--json']);
    const { position, steps } = JSON.parse(stdout());
    expect([exit, position]).toEqual([0, `@${steps}`]);
  });

  test('a place inside a step', async () => {
    const { exit, stdout } = await textpoke(['trace', token, '--at', '@2+1']);
    expect([exit, stdout().split('\n')[3]?.split(' ')[0]]).toEqual([Exit.ok, '@2+1']);
  });

  test.each([
    [['--at', '1000'], 'the run has no @1000'],
    [['--at', 'soon'], 'no position'],
    [['--at', '3', '--format', 'perfetto'], 'text or json'],
  ])('%j is refused', async (args, what) => {
    const { exit, stdout, stderr } = await textpoke(['trace', token, ...args]);
    expect([exit, stdout()]).toEqual([Exit.usage, '']);
    expect(stderr()).toContain(what);
  });
});

describe('what goes wrong', () => {
  test.each([
    [['trace', 'F1', '--format', 'prefetto'], Exit.usage, 'did you mean perfetto?'],
    [['trace', 'F1', '--json', '--format', 'ftrace'], Exit.usage, '--json is --format json'],
    [['replay', 'tp1_x', '--format', 'prefetto'], Exit.usage, 'did you mean perfetto?'],
    [['trace', 'ftrace/late-handle'], Exit.usage, 'did you mean ftrace/late-handler?'],
    [['trace', 'F1', '--variant', 'no-final-sink'], Exit.usage, 'did you mean no-final-sync?'],
    [['trace', 'F1', '--victims', '0'], Exit.usage, '--victims'],
    [['trace'], Exit.usage, 'what'],
    [['trace', 'tp1_AAAA'], Exit.usage, 'E_TOKEN'],
    [['trace', 'F1', '--variant', 'final-sync', '--max-steps', '10', '--victims', '1'], Exit.inconclusive, 'step budget of 10 spent'],
  ])('%j', async (args, code, what) => {
    const { exit, stdout, stderr } = await textpoke(args);
    expect(exit).toBe(code);
    expect(stderr()).toContain(what);
    if (!args.includes('--json')) expect(stdout()).toBe('');
  });

  test('a token says its models itself', async () => {
    const { exit, stderr } = await textpoke(['trace', token, '--variant', 'final-sync']);
    expect([exit, stderr().includes('--variant final-sync')]).toEqual([Exit.usage, true]);
    expect((await textpoke(['trace', token, '--fetch', 'zen3'])).exit).toBe(Exit.usage);
  });

  test('an event with --json', async () => {
    const { stdout } = await textpoke(['trace', 'nothing', '--json']);
    expect(JSON.parse(stdout())).toMatchObject({ v: 1, type: 'error', code: 'E_SCENARIO', exit: Exit.usage });
  });
});
