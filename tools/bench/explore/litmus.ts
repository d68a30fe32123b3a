import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { TextpokeError } from '../../../src/error.ts';
import { runLitmus } from '../../../src/explore/litmus/run.ts';
import { parseLitmus } from '../../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../../src/image/assembler/index.ts';
import { builtFixture } from '../../built-fixture.ts';
import { cpuSeconds, median, type Row, say } from '../measure.ts';
import { CPU_LIMIT, cpuBudget, type Options } from './options.ts';

/** CPU time of each litmus test of a folder, and what kept one from being run. */
export async function litmusRows({ litmus, size }: Options): Promise<{ rows: Row[]; skipped: string[] }> {
  const files = litmusFiles(litmus);
  if (files.length === 0) return { rows: [], skipped: [`${litmus} holds no litmus test: --litmus DIR`] };
  say(`${files.length} litmus tests of ${litmus}`);
  const assembler = await loadAssembler();
  const lab = builtFixture('lab');
  const costs: { name: string; seconds: number }[] = [];
  const skipped: string[] = [];
  for (const file of files) {
    const name = relative(litmus, file);
    try {
      const { seconds, value } = cpuSeconds(() =>
        runLitmus(parseLitmus(readFileSync(file, 'utf8'), name), lab, assembler, { budget: { stop: cpuBudget(CPU_LIMIT[size]) } }),
      );
      if (value.stopped === undefined) costs.push({ name, seconds });
      else skipped.push(`${name}: ${value.stopped}`);
    } catch (error) {
      if (!(error instanceof TextpokeError)) throw error;
      skipped.push(`${name}: ${error.message}`);
    }
  }
  if (costs.length === 0) return { rows: [], skipped };
  const seconds = costs.map((c) => c.seconds).sort((a, b) => a - b);
  const slowest = costs.reduce((a, b) => (b.seconds > a.seconds ? b : a));
  const values: Record<string, number> = {
    tests: costs.length,
    'CPU s': seconds.reduce((sum, s) => sum + s, 0),
    'median ms': median(seconds) * 1000,
    'p95 ms': (seconds[Math.ceil(seconds.length * 0.95) - 1] as number) * 1000,
    'most ms': slowest.seconds * 1000,
  };
  const herd = herdSeconds(costs.map((c) => join(litmus, c.name)));
  if (herd === undefined) skipped.push('herd7 is not installed: nothing to compare litmus tests with');
  else values['herd7 CPU s'] = herd;
  return { rows: [{ group: 'litmus', name: litmus, values, note: `most: ${slowest.name}` }], skipped };
}

/** The tests of a folder and of those in it. */
function litmusFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith('.litmus'))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** CPU seconds of one herd7 over all tests, its start-up included once; undefined where there is none. */
function herdSeconds(files: readonly string[]): number | undefined {
  try {
    const output = execFileSync('sh', ['-c', 'herd7 "$@" >/dev/null 2>&1 || exit 1; times', 'sh', ...files], { encoding: 'utf8' });
    const parts = [...(output.trim().split('\n').at(-1) as string).matchAll(/(\d+)m([\d.]+)s/g)];
    return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
  } catch {
    return undefined;
  }
}
