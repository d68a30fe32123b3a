import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { textpoke } from '../cli/recording-io.ts';
import { blocksOf, commandsOf, patternOf } from './guide.ts';

const FOLDER = 'fixtures/boot';
const names = readdirSync(join(root, FOLDER));
const files = Object.fromEntries(
  names.filter((name) => /\.(elf|img)$/.test(name)).map((name) => [`${FOLDER}/${name}`, readFileSync(join(root, FOLDER, name))]),
);
const commands = blocksOf('boot.md').flatMap(commandsOf);
const page = readFileSync(join(root, 'docs/boot.md'), 'utf8');

test.each(commands)('what the page shows is what runs print: $line', async ({ line, printed }) => {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? (m[2] as string));
  const { stdout } = await textpoke(words.slice(1), { files });
  expect(stdout()).toMatch(patternOf(printed));
});

test('every command is shown, and every program of the folder', () => {
  expect(commands).toHaveLength(4);
  for (const name of names.filter((name) => /\.img$|^multiboot.*\.elf$/.test(name))) expect(page).toContain(`| \`${name}\` |`);
});
