import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ExploreOptions } from '../../src/cli/actions/explore.ts';
import type { MatrixOptions } from '../../src/cli/actions/matrix.ts';
import type { ReplayOptions } from '../../src/cli/actions/replay.ts';
import type { RunOptions } from '../../src/cli/actions/run.ts';
import { ENGINES, FETCH_POLICIES, MEMORY_MODELS, SEARCHES } from '../../src/cli/flags.ts';
import type { Io } from '../../src/cli/io.ts';
import { textpoke, type World } from './recording-io.ts';

type Call = Partial<ExploreOptions & MatrixOptions & ReplayOptions & RunOptions>;
const calls = vi.hoisted((): { list: unknown[] } => ({ list: [] }));
const record = vi.hoisted(() => async (options: unknown, io: Io) => {
  calls.list.push(options);
  io.stdout('result\n');
  return 7;
});
vi.mock('../../src/cli/actions/explore.ts', () => ({ exploreAction: record }));
vi.mock('../../src/cli/actions/matrix.ts', () => ({ matrixAction: record }));
vi.mock('../../src/cli/actions/replay.ts', () => ({ replayAction: record }));
vi.mock('../../src/cli/actions/run.ts', () => ({ runAction: record }));

beforeEach(() => {
  calls.list = [];
});

/** The options that the verb's action was called with. */
async function optionsOf(line: string, world: World = {}): Promise<Call> {
  const { exit, stderr } = await textpoke(line.split(' '), world);
  expect(stderr()).toBe('');
  expect(exit).toBe(7);
  expect(calls.list).toHaveLength(1);
  return calls.list[0] as Call;
}

async function refusalOf(line: string, world: World = {}): Promise<string> {
  const { exit, stderr } = await textpoke(line.split(' '), world);
  expect(exit).toBe(129);
  expect(calls.list).toEqual([]);
  return stderr();
}

describe('what a verb is called with', () => {
  test('nothing said', async () => {
    expect(await optionsOf('explore F1')).toMatchObject({
      target: 'F1',
      variant: undefined,
      victims: undefined,
      preemptions: undefined,
      schedules: undefined,
      strategy: undefined,
      depth: undefined,
      all: false,
      shrink: true,
      memory: undefined,
      fetch: undefined,
      engine: undefined,
      search: undefined,
      seed: 1,
      seedIsDefault: true,
      jobs: undefined,
      maxSeconds: undefined,
      maxSteps: undefined,
      maxMemory: undefined,
      json: false,
      quiet: false,
      verbose: false,
      color: true,
      width: 80,
      out: undefined,
    });
  });

  test('every flag of explore', async () => {
    const line =
      'explore ftrace/late-handler --variant v1 --victims 3 --preemptions 0 --schedules 40 --strategy pct --depth 3 --all --no-shrink --memory sc --fetch zen3 --cores 4 ' +
      '--engine region --search pct --seed 0 --jobs 2 --max-seconds 0.5 --max-steps 5_000_000 --max-memory 2G --json --quiet ' +
      '--verbose --no-color --width 100';
    expect(await optionsOf(line)).toMatchObject({
      target: 'ftrace/late-handler',
      variant: 'v1',
      victims: 3,
      preemptions: 0,
      schedules: 40,
      strategy: 'pct',
      depth: 3,
      all: true,
      shrink: false,
      memory: 'sc',
      fetch: 'zen3',
      cores: 4,
      engine: 'region',
      search: 'pct',
      seed: 0,
      seedIsDefault: false,
      jobs: 2,
      maxSeconds: 0.5,
      maxSteps: 5_000_000,
      maxMemory: 2 * 1024 ** 3,
      json: true,
      quiet: true,
      verbose: true,
      color: false,
      width: 100,
    });
  });

  test('run, matrix and replay', async () => {
    const run = await optionsOf('run a.elf --entry main --base ffff_ffff_8100_0000 --cores 2');
    expect(run).toMatchObject({ file: 'a.elf', entry: 'main', base: 0xffff_ffff_8100_0000n, cores: 2 });
    calls.list = [];
    expect(await optionsOf('matrix ftrace text-poke --victims 2')).toMatchObject({ families: ['ftrace', 'text-poke'], victims: 2 });
    calls.list = [];
    expect(await optionsOf('replay tp1_Ab-_9 --format changelog --engine reference')).toMatchObject({
      token: 'tp1_Ab-_9',
      format: 'changelog',
      engine: 'reference',
    });
  });

  test.each(MEMORY_MODELS.map((word) => ['memory', word] as const))('--%s %s', async (flag, word) => {
    expect(await optionsOf(`explore F1 --${flag} ${word}`)).toHaveProperty(flag, word);
  });
  test.each([
    ...FETCH_POLICIES.map((word) => ['fetch', word] as const),
    ...ENGINES.map((word) => ['engine', word] as const),
    ...SEARCHES.map((word) => ['search', word] as const),
  ])('--%s %s', async (flag, word) => {
    expect(await optionsOf(`explore F1 --${flag} ${word}`)).toHaveProperty(flag, word);
  });
});

describe('who is believed: flag, environment, config file, default', () => {
  const files = { 'c.json': '{"seed": 3, "fetch": "strict", "maxSteps": "70"}' };
  test('each in turn', async () => {
    const env = { TEXTPOKE_SEED: '2', TEXTPOKE_JOBS: '5' };
    expect(await optionsOf('explore F1 --config c.json --seed 9 --fetch zen3', { env, files })).toMatchObject({
      seed: 9,
      fetch: 'zen3',
      jobs: 5,
    });
    calls.list = [];
    expect(await optionsOf('explore F1 --config c.json', { env, files })).toMatchObject({ seed: 2, fetch: 'strict', maxSteps: 70 });
    calls.list = [];
    expect(await optionsOf('explore F1 --config c.json', { files })).toMatchObject({ seed: 3, seedIsDefault: false });
    calls.list = [];
    expect(await optionsOf('explore F1', { env: { TEXTPOKE_SEED: '' } })).toMatchObject({ seed: 1, seedIsDefault: true });
  });

  test('whoever is wrong is named', async () => {
    expect(await refusalOf('explore F1', { env: { TEXTPOKE_JOBS: 'many' } })).toContain('TEXTPOKE_JOBS wants a whole number');
    expect(await refusalOf('explore F1 --config c.json', { files: { 'c.json': '{"maxSteps": 0}' } })).toContain(
      "'maxSteps' in c.json wants",
    );
    expect(await refusalOf('explore F1 --config c.json', { files: { 'c.json': '{"fetsh": "x"}' } })).toContain('did you mean fetch?');
    expect(await refusalOf('explore F1 --config c.json', { files: { 'c.json': '{' } })).toContain('config file:');
    expect(await refusalOf('explore F1 --config c.json', { files: { 'c.json': '[1]' } })).toContain('no JSON object');
  });
});

describe('numbers and words that are refused', () => {
  test.each([
    '--max-steps 0',
    '--max-steps -5',
    '--max-steps 1.5',
    '--max-steps ten',
    '--max-steps 1e3',
    '--max-steps 99999999999999999999',
    '--max-seconds 0',
    '--max-seconds -1',
    '--max-seconds soon',
    '--max-seconds Infinity',
    '--max-seconds .',
    '--max-memory 0',
    '--max-memory lots',
    '--max-memory -1G',
    '--cores 0',
    '--cores 65',
    '--seed -1',
    '--seed 4294967296',
    '--jobs 0',
    '--victims 0',
    '--victims 13',
    '--preemptions -1',
    '--width 10',
    '--memory pso',
    '--fetch zen',
    '--engine fast',
    '--search bfs',
  ])('%s', async (flags) => {
    const message = await refusalOf(`explore F1 ${flags}`);
    const [flag, value] = flags.split(' ');
    expect(message).toContain(`${flag} wants `);
    expect(message).toContain(`not '${value}'`);
  });

  test('a near miss is suggested', async () => {
    expect(await refusalOf('explore F1 --fetch intelsdm')).toContain('did you mean intel-sdm?');
    expect(await refusalOf('explore F1 --engine interpeter')).toContain('did you mean interpreter?');
    expect(await refusalOf('run a.elf --base 0xzz')).toContain('--base wants a hexadecimal address');
  });
});

test('--out takes what goes to stdout, and is no terminal', async () => {
  const { exit, stdout, written } = await textpoke(['explore', 'F1', '--out', 'r.txt'], { tty: true });
  expect([exit, stdout(), written.get('r.txt')]).toEqual([7, '', 'result\n']);
});

describe('where a token comes from', () => {
  test('a pasted line, a file, standard input', async () => {
    const pasted = await textpoke(['replay', 'replay   textpoke replay tp1_abc and so on']);
    expect([pasted.exit, calls.list]).toMatchObject([7, [{ token: 'tp1_abc' }]]);
    calls.list = [];
    expect(await optionsOf('replay race.txt', { files: { 'race.txt': 'why ...\nreplay  tp1_xyz\n' } })).toMatchObject({ token: 'tp1_xyz' });
    calls.list = [];
    expect(await optionsOf('replay', { stdin: 'x tp1_in\n' })).toMatchObject({ token: 'tp1_in' });
  });

  test.each([['replay nothing'], ['replay empty.txt'], ['replay -']])('%s is refused', async (line) => {
    const { exit, stderr } = await textpoke(line.split(' '), { files: { 'empty.txt': 'no token here' } });
    expect(exit).toBe(129);
    expect(stderr()).toMatch(
      /^error: neither a replay token nor a file that holds one {3}\[E_TOKEN\]\n {3}.+\n {3}hint: a token starts with tp1_/,
    );
  });
});
