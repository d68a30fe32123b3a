import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { startThread, type Thread } from '../../src/cli/threads.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { root } from '../../tools/bootstrap.mjs';
import { recordingIo, textpoke as textpokeIn, type World } from './recording-io.ts';

const images = [...new Set(['lab', ...CATALOGUE.flatMap((s) => (typeof s.image === 'string' ? [s.image] : []))])];
const paths = images.map((name) => join(root, `fixtures/${name}/${name}.elf`));
const files = Object.fromEntries(paths.map((path) => [path, readFileSync(path)]));
const textpoke = (argv: readonly string[], world: World = {}) => textpokeIn(argv, { files, ...world });

interface Event {
  readonly type: string;
  readonly cost?: object;
}

/** What a run says in JSON, without what depends on chance. */
async function told(
  argv: readonly string[],
  world: World = {},
): Promise<{ readonly events: readonly object[]; readonly costs: number; readonly exit: number }> {
  const { stdout, exit } = await textpoke([...argv, '--json'], world);
  const events = stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  return { events: events.map(({ cost: _, ...rest }) => rest), costs: events.filter((e) => e.cost !== undefined).length, exit };
}

describe('explore --jobs', () => {
  test.each([
    ['a safe variant', ['F1', '--variant', 'final-sync', '--victims', '2'], 0],
    ['one that fails', ['F1', '--variant', 'no-final-sync'], 1],
  ])('%s: one and three threads say the same but for the cost', async (_title, target, exit) => {
    const alone = await told(['explore', ...target, '--jobs', '1']);
    expect(alone.exit).toBe(exit);
    expect(alone.costs).toBe(1);
    expect(await told(['explore', ...target, '--jobs', '3'])).toEqual(alone);
  });

  test('the report has the cost on a line of its own', async () => {
    const { stdout } = await textpoke(['explore', 'F1', '--variant', 'final-sync', '--jobs', '2']);
    expect(stdout()).toMatch(/^coverage exhaustive: 1 809 states; /m);
    expect(stdout()).toMatch(/^cost {5}[\d ]+ transitions by 2 workers in \d+\.\d s$/m);
  });

  test('a budget of steps makes it inconclusive', async () => {
    const { events, exit } = await told(['explore', 'F1', '--variant', 'final-sync', '--jobs', '2', '--max-steps', '100']);
    expect(exit).toBe(125);
    expect(events[1]).toMatchObject({ verdict: 'inconclusive', stopped: 'step budget of 100 spent' });
  });

  test('so does a budget of time, and ^C ends it with 130', async () => {
    let time = 0;
    const slow = await told(['explore', 'F1', '--victims', '4', '--variant', 'final-sync', '--jobs', '2', '--max-seconds', '1'], {
      now: () => (time += 600),
    });
    expect(slow.exit).toBe(125);
    expect(slow.events[1]).toMatchObject({ stopped: 'time budget of 1 s spent' });
    const asked = await told(['explore', 'F1', '--victims', '4', '--variant', 'final-sync', '--jobs', '2'], { interrupted: () => true });
    expect(asked.exit).toBe(130);
    expect(asked.events[1]).toMatchObject({ verdict: 'inconclusive', stopped: 'interrupted' });
  });

  test('a budget of memory counts what is held', async () => {
    // The first level of the shared set alone is 80 KiB.
    const small = await told(['explore', 'F1', '--variant', 'final-sync', '--victims', '4', '--jobs', '2', '--max-memory', '100K']);
    expect(small.events[1]).toMatchObject({ verdict: 'inconclusive', stopped: 'memory budget of 102400 bytes spent' });
    const alone = await told(['explore', 'F1', '--variant', 'final-sync', '--victims', '4', '--max-memory', '100K']);
    expect(alone.events[1]).toMatchObject({ verdict: 'inconclusive', stopped: 'memory budget of 102400 bytes spent' });
  });

  test('searches that one worker does alone refuse it', async () => {
    for (const more of [
      ['--search', 'pct'],
      ['--preemptions', '1'],
      ['--search', 'dpor'],
    ]) {
      const { exit, stderr } = await textpoke(['explore', 'F1', '--jobs', '2', ...more]);
      expect(exit).toBe(129);
      expect(stderr()).toContain('on one worker');
    }
    expect((await textpoke(['mutants', 'ftrace', '--jobs', '2'])).exit).toBe(129);
  });

  test('a worker that dies is said so', async () => {
    const recording = recordingIo({ files });
    let started = 0;
    /** Ends when it is asked for something. */
    const mortal = (): Thread => {
      const deaths: ((why: unknown) => void)[] = [];
      return {
        post: () => deaths.forEach((death) => death(new Error('killed'))),
        listen: ({ death }) => void deaths.push(death),
        end: () => {},
      };
    };
    const io = { ...recording.io, startThread: () => (started++ === 0 ? mortal() : startThread()) };
    expect(await runProgram(['explore', 'F1', '--variant', 'final-sync', '--jobs', '2'], io)).toBe(128);
    expect(recording.stderr()).toMatch(/^error: a worker died: killed {3}\[E_INTERNAL\]/);
  });

  test('an error in a worker is the error of the program', async () => {
    const modules = { 'mine.mjs': { mine: { name: 'mine/mine', variants: [], build: () => {} } } };
    const { exit, stderr } = await textpoke(['matrix', 'static-call', '--scenarios', 'mine.mjs', '--smoke', '--jobs', '1'], { modules });
    // The thread looks for the file itself, and there is none.
    expect(exit).toBe(128);
    expect(stderr()).toContain('cannot read mine.mjs: no such file');
  });
});

describe('matrix --jobs', () => {
  test('prints what it prints without, in the same order', async () => {
    for (const output of [[], ['--json']]) {
      const argv = ['matrix', 'static-call/fixup', 'F4', '--fetch', 'zen3', '--memory', 'tso', ...output];
      const [alone, many] = [await textpoke(argv), await textpoke([...argv, '--jobs', '3'])];
      expect(many.stdout()).toBe(alone.stdout());
      expect(many.exit).toBe(alone.exit);
    }
  });

  test('rows that nobody began when ^C came are not waited for', async () => {
    expect((await textpoke(['matrix', 'static-call', '--smoke', '--jobs', '2'], { interrupted: () => true })).exit).toBe(130);
  });
});

describe('checkpoints', () => {
  const target = ['explore', 'F1', '--variant', 'final-sync', '--victims', '2'];

  test('^C writes one and prints the command that goes on; it ends as if nothing had happened', async () => {
    const whole = await told([...target, '--jobs', '2']);
    let looks = 0;
    const stopped = await textpoke([...target, '--jobs', '2'], { interrupted: () => ++looks > 2 });
    expect(stopped.exit).toBe(130);
    const [path, bytes] = [...stopped.replaced][0]!;
    expect(path).toMatch(/^\.textpoke\/checkpoints\/[0-9a-f]{8}\.bin$/);
    const command = /^resume {3}textpoke (.*)$/m.exec(stopped.stdout())?.[1] ?? '';
    expect(command).toBe(`explore F1 --variant final-sync --victims 2 --fetch intel-sdm --memory tso --jobs 2 --resume ${path}`);
    expect(await told(command.split(' '), { files: { ...files, [path]: bytes } })).toEqual(whole);
    const json = await told([...target, '--jobs', '2'], { interrupted: () => ++looks > 2 });
    expect(json.events[1]).toMatchObject({ resume: `textpoke ${command}` });
  });

  test('one is written each minute, and a short search writes none', async () => {
    let time = 0;
    const kept = await textpoke([...target, '--jobs', '1'], { now: () => (time += 20_000) });
    expect(kept.exit).toBe(0);
    expect(kept.replaced.size).toBe(1);
    expect(kept.stdout()).not.toContain('resume');
    expect(kept.stderr()).toMatch(/^checkpoint {2}textpoke explore .* --jobs 1 --resume \.textpoke\/checkpoints\/[0-9a-f]{8}\.bin\n$/);
    expect((await textpoke([...target, '--jobs', '1', '--max-steps', '100'])).replaced.size).toBe(0);
    const asked = await textpoke([...target, '--max-steps', '100', '--checkpoint', 'mine.bin']);
    expect([...asked.replaced.keys()]).toEqual(['mine.bin']);
  });

  test('a search without --jobs does the same, and goes on alone', async () => {
    const larger = ['explore', 'F1', '--variant', 'final-sync', '--victims', '3'];
    const whole = await told(larger);
    const stopped = await textpoke(larger, { interrupted: () => true });
    expect(stopped.exit).toBe(130);
    expect(stopped.stdout()).toMatch(/^coverage .*\d states/m);
    const [path, bytes] = [...stopped.replaced][0]!;
    const command = /^resume {3}textpoke (.*)$/m.exec(stopped.stdout())?.[1] ?? '';
    expect(command).toBe(`explore F1 --variant final-sync --victims 3 --fetch intel-sdm --memory tso --resume ${path}`);
    expect(await told(command.split(' '), { files: { ...files, [path]: bytes } })).toEqual(whole);

    let time = 0;
    const kept = await textpoke(larger, { now: () => (time += 20_000) });
    expect(kept.exit).toBe(0);
    expect([...kept.replaced.keys()]).toEqual([path]);
    expect(kept.stderr()).toBe(`checkpoint  textpoke ${command}\n`);
    expect(await told(command.split(' '), { files: { ...files, [path]: kept.replaced.get(path)! } })).toEqual(whole);
    expect((await textpoke([...larger, '--max-steps', '100'])).replaced.size).toBe(0);
  });

  test('each search resumes its own', async () => {
    const [alone, shared] = [await textpoke([...target, '--max-steps', '100', '--checkpoint', 'mine.bin']), [...target, '--jobs', '1']];
    const theirs = await textpoke([...shared, '--max-steps', '100', '--checkpoint', 'mine.bin']);
    const resume = (argv: readonly string[], from: typeof alone) =>
      textpoke([...argv, '--resume', 'mine.bin'], { files: { ...files, 'mine.bin': from.replaced.get('mine.bin')! } });
    const wrong = await resume(shared, alone);
    expect(wrong.exit).toBe(129);
    expect(wrong.stderr()).toContain('the checkpoint is of a search without --jobs');
    // Without a number of workers one does.
    const right = await resume(target, theirs);
    expect(right.exit).toBe(0);
    expect(right.stdout()).toMatch(/^cost .* by 1 worker in /m);
  });

  test('what does not fit is refused', async () => {
    const { replaced } = await textpoke([...target, '--max-steps', '100', '--checkpoint', 'mine.bin']);
    const bytes = replaced.get('mine.bin')!;
    const resume = (argv: readonly string[], content: Uint8Array = bytes) =>
      textpoke([...argv, '--resume', 'mine.bin'], { files: { ...files, 'mine.bin': content } });
    expect((await resume(['explore', 'F1', '--variant', 'trap-gate', '--victims', '2'])).exit).toBe(129);
    expect((await resume(['explore', 'F1'])).stderr()).toContain('a checkpoint is of one variant');
    expect((await resume([...target, '--preemptions', '2'])).stderr()).toContain('only the search over all states has checkpoints');
    expect((await resume(target, bytes.slice(0, 999))).exit).toBe(128);
    expect((await textpoke([...target, '--resume', 'none.bin'])).stderr()).toContain('cannot read none.bin: no such file');
  });
});
