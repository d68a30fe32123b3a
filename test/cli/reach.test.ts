import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Exit } from '../../src/error.ts';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };
const LATE = 'CPU1 at ftrace_int3_handler and modifying_ftrace_code == 0';
const ask = (variant: string, expression: string, ...more: string[]) =>
  textpoke(['explore', 'F1', '--variant', variant, '--victims', '1', '--reach', expression, ...more], { files });

test('explore --reach shows the way where some order gets there, and its token replays', async () => {
  const run = await ask('no-final-sync', LATE);
  expect(run.exit).toBe(Exit.ok);
  expect(run.stdout()).toMatch(/^REACHED CPU1 at/m);
  expect(run.stdout()).toMatch(/^shortest \d+ switches/m);
  expect(run.stdout()).toMatch(/~~> reached: CPU1 at/);
  const [token] = run.stdout().match(/tp1_\S+/) as RegExpMatchArray;
  const replay = await textpoke(['replay', token], { files });
  expect(replay.exit).toBe(Exit.ok);
  expect(replay.stdout()).toContain('#BP');
});

test('and says so where none does', async () => {
  const run = await ask('final-sync', LATE);
  expect(run.exit).toBe(Exit.violation);
  expect(run.stdout()).toMatch(/^NOT REACHED CPU1 at/m);
  expect(run.stdout()).toMatch(/^coverage exhaustive: /m);
  const event = JSON.parse((await ask('final-sync', LATE, '--json')).stdout().trim().split('\n').at(-1) as string);
  expect(event).toMatchObject({ type: 'reach', reached: false, token: null, expression: LATE });
});

test('a budget leaves it open; what cannot be asked is refused', async () => {
  const open = await ask('final-sync', LATE, '--max-steps', '20');
  expect(open.exit).toBe(Exit.inconclusive);
  expect(open.stdout()).toMatch(/^INCONCLUSIVE step budget of 20 spent/m);
  const wrong = await ask('final-sync', 'CPU1 at ftrace_cal');
  expect(wrong.exit).toBe(Exit.usage);
  expect(wrong.stderr()).toContain('did you mean ftrace_call');
  expect((await ask('final-sync', LATE, '--outcomes')).exit).toBe(Exit.usage);
  expect((await textpoke(['explore', 'F1', '--reach', LATE], { files })).exit).toBe(Exit.usage);
});
