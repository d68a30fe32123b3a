import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from './recording-io.ts';

const path = join(root, 'fixtures/lab/lab.elf');
const files = { [path]: readFileSync(path) };

async function run(line: string) {
  const { exit, stdout } = await textpoke(line.split(' '), { files });
  return { exit, stdout: stdout(), text: stdout().replaceAll(/\n {9}/g, ' ') };
}

test('a search over orders tells how many there are', async () => {
  const { exit, text } = await run('explore F1 --variant final-sync --victims 1 --search dpor');
  expect(exit).toBe(0);
  expect(text).toMatch(/coverage exhaustive: [\d ]+ transitions, [\d ]+ orders of dependent events( \([\d ]+ given up on the way\))?\n/);
  expect(text).not.toContain('states');
});

test('twins tell both, also behind a violation', async () => {
  const { exit, text, stdout } = await run('explore F1 --variant no-final-sync --victims 1 --search twin');
  expect(exit).toBe(1);
  expect(text).toMatch(/coverage exhaustive: [\d ]+ states, [\d ]+ transitions, [\d ]+ orders of dependent events/);
  expect(stdout).toContain('replay   textpoke replay tp1_');
  const json = await run('explore F1 --variant final-sync --victims 1 --search twin --json');
  const result = JSON.parse(json.stdout.trim().split('\n').at(-1) as string) as Record<string, unknown>;
  expect(result).toMatchObject({ verdict: 'ok', executions: { circles: 0 } });
});
