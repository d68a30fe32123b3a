import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const files = Object.fromEntries(
  ['lab', 'tracepoint'].map((name) => join(root, `fixtures/${name}/${name}.elf`)).map((path) => [path, readFileSync(path)] as const),
);

async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(line.split(' '), { files });
  return { exit, stdout: stdout(), stderr: stderr() };
}

const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('sizes of a scenario', () => {
  test('explore says what is enough, and the token of that replays and says its size', async () => {
    const { exit, stdout } = await run('explore TP-A --variant no-final-sync');
    expect(exit).toBe(1);
    const [, token] = /^smaller {2}1 victim, 1 site, 1 call are enough:\s+(tp1_[\w-]+)$/m.exec(stdout) ?? [];
    const replayed = await run(`replay ${token}`);
    expect([replayed.exit, replayed.stdout]).toEqual([
      1,
      expect.stringContaining('2 cores (1 victim, 1 site, 1 call), fetch intel-sdm, memory tso'),
    ]);
    expect(replayed.stdout).toContain('VIOLATION I1');
  });

  test('--sites and --calls choose the same by hand', async () => {
    const { exit, stdout } = await run('explore TP-A --variant no-final-sync --victims 1 --sites 1 --calls 1 --json');
    expect(exit).toBe(1);
    const [start, result] = events(stdout);
    expect(start.cell).toMatchObject({ victims: 1, sites: 1, calls: 1 });
    expect(result).toMatchObject({ victims: 1, sites: 1, calls: 1, verdict: 'violation', expected: null });
    expect(result).not.toHaveProperty('smaller');
    const [, larger] = events((await run('explore TP-A --variant no-final-sync --json')).stdout);
    expect(larger).toMatchObject({ victims: 2, sites: 2, calls: 2, expected: 'violation' });
    expect(larger.smaller).toEqual({ victims: 1, sites: 1, calls: 1, token: result.token });
  });

  test('a size that is as usual changes nothing', async () => {
    const said = await run('explore F1 --variant no-final-sync --victims 1 --calls 2 --no-shrink');
    expect(said).toEqual(await run('explore F1 --variant no-final-sync --victims 1 --no-shrink'));
    expect(said.stdout).toContain('recorded violation');
  });

  test('a protocol that holds holds in other sizes, of which nothing is recorded', async () => {
    const { exit, stdout } = await run('explore TP-A --variant final-sync --victims 1 --sites 1 --calls 3');
    expect([exit, stdout]).toEqual([0, expect.stringContaining('recorded nothing of this size')]);
    expect(stdout).toContain('coverage exhaustive');
  });

  test.each([
    ['explore F1 --sites 2', '--sites 2', 'calls: 1 to 3 (usually 2)'],
    ['explore F1 --variant final-sync --calls 4', '--calls 4', 'calls: 1 to 3 (usually 2)'],
    ['explore TP-A --sites 3', '--sites 3', 'sites: 1 to 2 (usually 2), calls: 1 to 4 (usually 2)'],
    ['explore torn-nop --calls 2', '--calls 2', 'leave the flag out'],
    ['explore F1 --calls 0', '--calls 0', 'for example 1'],
  ])('%s is refused with what there is', async (line, where, hint) => {
    const { exit, stderr } = await run(line.replace('torn-nop', 'text-poke/torn-nop'));
    expect(exit).toBe(129);
    expect(stderr).toContain(where);
    expect(stderr).toContain(hint);
  });

  test('list and explain show them', async () => {
    const list = (await run('list')).stdout;
    expect(list).toMatch(/^\* TP-A /m);
    expect(list).toMatch(/^ {2}B07 /m);
    expect(list).toContain('* takes --sites or --calls');
    expect((await run('list B07')).stdout).not.toContain('--sites');
    expect(list.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect((await run('explain TP-A')).stdout).toContain('sizes\n  --sites 1 to 2 (usually 2)\n  --calls 1 to 4 (usually 2)\n');
    const [listed] = events((await run('list TP-A --json')).stdout);
    expect(listed.variants[0].sizes).toEqual({ sites: { fewest: 1, usual: 2, most: 2 }, calls: { fewest: 1, usual: 2, most: 4 } });
    const [told] = events((await run('explain TP-A --json')).stdout);
    expect(told.variants[0].sizes).toEqual(listed.variants[0].sizes);
    expect(events((await run('list B07 --json')).stdout)[0].variants[0]).not.toHaveProperty('sizes');
  });
});
