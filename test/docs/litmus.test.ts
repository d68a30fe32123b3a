import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../tools/bootstrap.mjs';
import { loadSuite, suiteTable, textOf, withTable } from '../../tools/litmus-suite.ts';
import { textpoke } from '../cli/recording-io.ts';

const page = readFileSync(join(root, 'docs/litmus.md'), 'utf8');

test('the table is that of the suite', () => {
  expect(withTable(page, suiteTable(loadSuite()))).toBe(page);
});

const consoles = [...page.matchAll(/```console\n\$ textpoke ([^\n]*)\n(.*?)```/gs)].map(([, line = '', printed = '']) => ({
  line,
  printed,
}));

test.each(consoles)('what the page shows is what runs print: $line', async ({ line, printed }) => {
  const files = Object.fromEntries(
    [line.split(' ')[1] as string, 'fixtures/lab/lab.elf'].flatMap((path) => {
      const data = readFileSync(join(root, path));
      return [
        [path, data],
        [join(root, path), data],
      ];
    }),
  );
  const { stdout } = await textpoke(line.split(' '), { files });
  expect(stdout()).toBe(printed);
});

test('two runs are shown', () => {
  expect(consoles).toHaveLength(2);
});

test('the test that the page shows is the one that it runs', () => {
  expect(page).toContain(textOf('MP.RF'));
});
