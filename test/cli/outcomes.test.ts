import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Exit } from '../../src/error.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };
const ask = (variant: string, ...more: string[]) =>
  textpoke(['explore', 'F1', '--variant', variant, '--victims', '1', '--outcomes', ...more], { files });

test('explore --outcomes tells each way in which runs end, with a token that replays it', async () => {
  const run = await ask('no-final-sync');
  expect(run.exit).toBe(Exit.violation);
  const text = run.stdout();
  expect(text).toMatch(/^FAIL unclaimed #BP \(I1\): /m);
  expect(text).toMatch(/^CPU1 {2}#BP -> target_b, call target_b$/m);
  expect(text).toMatch(/^Observation I1 Sometimes \d+ \d+$/m);
  expect(text.split('\n').filter((line) => line.length > 79)).toEqual([]);
  const [first] = text.match(/tp1_\S+/) as RegExpMatchArray;
  const replay = await textpoke(['replay', first, '--format', 'changelog'], { files });
  expect(replay.exit).toBe(Exit.violation);
  expect(replay.stdout()).toContain('claimed by');
});

test('and answers Never where nothing breaks', async () => {
  const run = await ask('final-sync', '--json');
  expect(run.exit).toBe(Exit.ok);
  const events = run
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = events.at(-1);
  expect(last).toMatchObject({ type: 'outcomes', complete: true, observations: [{ check: 'violation', answer: 'Never', positive: '0' }] });
  const outcomes = events.filter((e) => e.type === 'outcome');
  expect(outcomes).toHaveLength(last.outcomes);
  expect(outcomes.reduce((n, o) => n + BigInt(o.interleavings), 0n)).toBe(BigInt(last.interleavings));
  expect(outcomes.every((o) => o.violation === null && o.token.startsWith('tp1_'))).toBe(true);
});

test('a budget leaves it open; several variants and samples are refused', async () => {
  expect((await ask('final-sync', '--max-steps', '50')).exit).toBe(Exit.inconclusive);
  const all = await textpoke(['explore', 'F1', '--outcomes'], { files });
  expect(all.exit).toBe(Exit.usage);
  expect(all.stderr()).toContain('--variant NAME');
  expect((await ask('final-sync', '--schedules', '10')).exit).toBe(Exit.usage);
});
