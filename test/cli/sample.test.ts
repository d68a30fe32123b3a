import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sayAtMost } from '../../src/cli/sample-report.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };

async function run(line: string) {
  const { exit, stdout, stderr } = await textpoke(line.split(' '), { files });
  return { exit, stdout: stdout(), stderr: stderr() };
}

const fieldsOf = (stdout: string): Record<string, unknown> => JSON.parse(stdout.trim().split('\n').at(-1) as string);

describe('explore, sampling', () => {
  test('says what may have been missed, and never OK', async () => {
    const { exit, stdout } = await run('explore F1 --variant final-sync --victims 1 --search pct --schedules 200');
    expect(exit).toBe(0);
    expect(stdout).toContain('no violation in 200 schedules\ncoverage sampled: 200 schedules of the portfolio, ');
    const text = stdout.replaceAll(/\n {9}/g, ' ');
    expect(text).toMatch(
      /bound {4}a depth-2 bug that needs no stale fetch was missed with probability at most 0\.\d+ \(n=\d agents, k=\d+ events, \d+ schedules of PCT d=2\)/,
    );
    expect(text).toMatch(/bound {4}a depth-3 bug .* of PCT d=3\)/);
    expect(text).toContain('recorded ok: not settled by this run');
    expect(stdout).not.toMatch(/\bOK\b|[Vv]erified/);
    const table = await run('explore F1 --victims 1 --schedules 5');
    expect(table.stdout).toContain('NONE FOUND');
    expect(table.stdout).not.toMatch(/\bOK\b/);
  });

  test('tells which schedule found it, and how often there is something', async () => {
    const first = await run('explore F1 --variant no-final-sync --victims 1 --depth 3');
    expect(first.exit).toBe(1);
    const by = Number(/^found {4}by schedule (\d+)$/m.exec(first.stdout)?.[1]);
    expect(first.stdout).toContain(`coverage sampled: ${by} schedules of PCT d=3, `);
    expect(first.stdout).not.toContain('bound');

    const all = await run('explore F1 --variant no-final-sync --victims 1 --depth 3 --schedules 300 --all --json');
    const { verdict, token, sample } = fieldsOf(all.stdout) as {
      verdict: string;
      token: string;
      sample: Record<string, unknown> & { violations: { check: string; schedules: number }[] };
    };
    expect([all.exit, verdict]).toEqual([1, 'violation']);
    expect(first.stdout).toContain(token);
    expect(sample).toMatchObject({ strategy: 'pct', depth: 3, seed: 1, schedules: 300, first: by, cut: 0, bounds: [] });
    expect(sample.rate).toBe((sample.found as number) / 300);
    expect(sample.violations.reduce((sum, v) => sum + v.schedules, 0)).toBe(sample.found);
  });

  test('as JSON, nothing found is no ok', async () => {
    const { stdout } = await run('explore F1 --variant final-sync --victims 1 --strategy window --schedules 20 --json');
    expect(fieldsOf(stdout)).toMatchObject({
      verdict: 'none-found',
      coverage: { kind: 'sampled', schedules: 20 },
      sample: { strategy: 'window', found: 0, first: null, rate: 0, violations: [], bounds: [] },
    });
  });

  test.each([
    ['--schedules 5 --search ladder', '--schedules samples, --search ladder does not'],
    ['--all --preemptions 1', '--all samples, --preemptions does not'],
    ['--strategy pos --depth 2', "only PCT has a depth, not 'pos'"],
    ['--strategy pcr', 'did you mean pct?'],
    ['--depth 11', '--depth wants a whole number from 1 to 10'],
  ])('refuses %s', async (flags, message) => {
    const { exit, stderr } = await run(`explore F1 ${flags}`);
    expect(exit).toBe(129);
    expect(stderr).toContain(message);
  });
});

test.each([
  [1, '1'],
  [0.12345, '0.13'],
  [0.5, '0.5'],
  [0.9951, '0.9951'],
  [0.99946867, '0.99947'],
  [0.000012301, '1.3e-5'],
])('a probability of at most %d is told rounded up: %s', (probability, text) => {
  expect(sayAtMost(probability)).toBe(text);
  expect(Number(text)).toBeGreaterThanOrEqual(probability);
});
