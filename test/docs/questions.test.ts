import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from '../cli/recording-io.ts';
import { blocksOf, commandsOf, patternOf } from './guide.ts';

const paths = ['lab', 'patching'].map((name) => join(root, `fixtures/${name}/${name}.elf`));
const files = Object.fromEntries(paths.map((path) => [path, readFileSync(path)]));
const commands = blocksOf('questions.md').flatMap(commandsOf);

test.each(commands)('what the page shows is what runs print: $line', async ({ line, printed }) => {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? (m[2] as string));
  const { stdout } = await textpoke(words.slice(1), { files });
  expect(stdout()).toMatch(patternOf(printed));
});

test('every question is shown', () => {
  expect(commands).toHaveLength(5);
});
