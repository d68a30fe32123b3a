import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };

/** A command line over the real lab image: exit code and what was written. */
async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(line.split(' '), { files });
  return { exit, stdout: stdout(), stderr: stderr() };
}

describe('one race through the verbs', () => {
  test('explore finds it, replay repeats it byte for byte, explain gives the same diagram and reason', async () => {
    const found = await run('explore F1 --variant no-final-sync --victims 1');
    expect(found.exit).toBe(1);
    const token = /replay (tp1_[\w-]+)/.exec(found.stdout)?.[1] ?? '';
    const race = found.stdout.slice(found.stdout.indexOf('          CPU0'));
    const diagram = race.slice(0, race.indexOf('\nwhy'));

    const replayed = await run(`replay ${token}`);
    expect(replayed.exit).toBe(1);
    expect(replayed.stdout.endsWith(diagram)).toBe(true);
    expect((await run(`replay ${token}`)).stdout).toBe(replayed.stdout);
    expect((await run(`replay ${token} --engine reference`)).stdout).toBe(replayed.stdout);

    const explained = await run(`explain ${token}`);
    expect(explained.exit).toBe(1);
    const [reason, replay] = [race.slice(0, race.indexOf('\nreplay')), race.slice(race.indexOf('\nreplay'))];
    expect(explained.stdout).toContain(reason);
    expect(explained.stdout.endsWith(replay)).toBe(true);
    const more = explained.stdout.slice(explained.stdout.indexOf(reason) + reason.length, -replay.length);
    expect(more.match(/^\w+/gm)).toEqual(['orders', 'late', 'passes']);
    expect((await run(`explain ${token} --verbose`)).stdout.match(/^\w+(?= +which part)/gm)).toEqual(['paths']);
    expect(explained.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('explain as JSON: exact figures', async () => {
    const found = await run('explore F1 --variant no-final-sync --victims 1 --quiet');
    const token = /replay (tp1_[\w-]+)/.exec(found.stdout)?.[1] ?? '';
    const event = JSON.parse((await run(`explain ${token} --json`)).stdout);
    expect(event).toMatchObject({
      type: 'explain',
      check: 'I1',
      by: 'graph',
      essential: [expect.stringContaining('modifying_ftrace_code = 0')],
    });
    const before = event.paths[event.inevitable];
    const behind = event.paths[event.inevitable + 1];
    expect(BigInt(before.violating)).toBeLessThan(BigInt(before.all));
    expect(behind.violating).toBe(behind.all);
    expect(event.passing.answers.slice(0, event.passing.shared)).toHaveLength(event.inevitable);
  });

  test('a damaged token is refused', async () => {
    const { exit, stderr } = await run('explain tp1_AyDKUdpLASYMAQEBBAEBAQQBAgIDAQMCAAAA-ic');
    expect([exit, stderr]).toEqual([129, expect.stringContaining('checksum mismatch')]);
  });
});

describe('numbers of cores that a scenario cannot have', () => {
  test.each([
    ['explore F1 --variant final-sync --cores 1', 'cannot run with 0 victims'],
    ['explore F1 --variant final-sync --cores 15', 'cannot run with 14 victims'],
    ['explore B07 --victims 2', 'runs on one core'],
    ['explore B07 --cores 2', 'runs on one core'],
  ])('%s', async (line, message) => {
    const { exit, stdout, stderr } = await run(line);
    expect([exit, stdout]).toEqual([129, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain('[E_USAGE]');
  });

  test('as many as there can be', async () => {
    expect((await run('explore F1 --variant no-final-sync --victims 12 --no-shrink --quiet')).exit).toBe(1);
    expect((await run('explore B07 --cores 1 --variant irqs-off')).exit).toBe(0);
  });
});

describe('rows of the matrix', () => {
  test('a variant that only some scenarios have', async () => {
    const { exit, stdout } = await run('matrix ftrace --variant gap-rsp0 --fetch coherent --memory sc');
    expect(exit).toBe(0);
    expect(stdout.match(/^ {2}F\d .*$/gm)?.map((row) => row.split(/ +/)[2])).toEqual(['gap-rsp0', 'gap-rsp0']);
  });

  test('a variant that none has', async () => {
    const { exit, stderr } = await run('matrix ftrace --variant gap-rsp1');
    expect([exit, stderr]).toEqual([129, expect.stringContaining('did you mean gap-rsp0')]);
  });

  test('a budget that is spent settles nothing', async () => {
    const { exit, stdout } = await run('explore F1 --variant final-sync --victims 1 --max-steps 50');
    expect(exit).toBe(125);
    expect(stdout).toContain('INCONCLUSIVE');
    expect(stdout).toContain('recorded ok: not settled by this run');
    const bounded = await run('explore F1 --variant final-sync --victims 1 --preemptions 0');
    expect(bounded.exit).toBe(125);
    expect(bounded.stdout).toMatch(/^VACUOUS .*never seen.*^recorded ok: not settled by this run$/ms);
  });
});
