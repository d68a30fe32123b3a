import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkFile, checkTree, describeFinding } from '../tools/check-layers.ts';

const rules = (file: string, source: string): string[] => checkFile(file, source).map(describeFinding);

test('the tree keeps the order of its layers', () => {
  const src = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');
  expect(checkTree(src).map(describeFinding)).toEqual([]);
});

test('a file may import its own folder, the folders above it in the list, and the free files', () => {
  expect(rules('machine/bus.ts', "import { a } from './b.ts';\nimport type { c } from '../isa/c.ts';\nimport '../error.ts';")).toEqual([]);
  expect(rules('machine/policy/zen3.ts', "export { a } from '../fetch.ts';\nimport { b } from '../../suggest.ts';")).toEqual([]);
  expect(rules('cli/main.ts', "import { a } from '../debug/a.ts';\nimport { b } from 'node:fs';\nimport c from 'commander';")).toEqual([]);
  expect(rules('index.ts', "export * from './cli/x.ts';")).toEqual([]);
});

test.each([
  ['a static import', "import { a } from '../machine/a.ts';"],
  ['a type import', "import type { A } from '../machine/a.ts';"],
  ['a re-export', "export * from '../machine/a.ts';"],
  ['a dynamic import', "const a = await import('../machine/a.ts');"],
  ['an import over lines', "import {\n} from '../machine/a.ts';"],
])('%s of a lower layer is named with file, line and rule', (_name, source) => {
  const [message, ...others] = rules('isa/deep/file.ts', `const x = 1;\n${source.replace('..', '../..')}`);
  expect(others).toEqual([]);
  expect(message).toMatch(/^src\/isa\/deep\/file\.ts:[23]: \.\.\/\.\.\/machine\/a\.ts: isa is below machine/);
});

test('deterministic layers reach for no host and no chance', () => {
  expect(rules('explore/search.ts', "import { readFileSync } from 'node:fs';")).toHaveLength(1);
  expect(rules('explore/search.ts', "import c from 'commander';")).toHaveLength(1);
  expect(rules('explore/search.ts', "import { Assembly } from '@defasm/core';")).toHaveLength(1);
  expect(rules('image/assembler.ts', "import { Assembly } from '@defasm/core';")).toEqual([]);
  expect(rules('explore/search.ts', 'const r = Math.random();')).toHaveLength(1);
  expect(rules('explore/search.ts', "const r = Math['random']();")).toHaveLength(1);
  expect(rules('cli/x.ts', 'const r = Math.random();')).toEqual([]);
});

test('the other rules', () => {
  expect(rules('isa/a.ts', "import { b } from './b';")[0]).toContain('.ts extension');
  expect(rules('isa/a.ts', "import { b } from '../../tools/b.ts';")[0]).toContain('nothing outside src');
  expect(rules('isa/a.ts', "import { b } from '../index.ts';")[0]).toContain('free for all');
  expect(rules('misc/a.ts', '')[0]).toContain('src/misc is not a layer');
  expect(rules('error.ts', "import { b } from './isa/b.ts';")[0]).toContain('error.ts is below isa');
});

test('the page imports components and styles; nobody else does', () => {
  const source = "import App from './App.svelte';\nimport './style.css';";
  expect(rules('web/main.ts', source)).toEqual([]);
  expect(rules('cli/main.ts', source)).toHaveLength(2);
});

test('prose is not an import', () => {
  expect(rules('isa/a.ts', "/** Taken from '../machine/a.ts'. */\n// import '../cli/x.ts'; Math.random()\nconst u = 'http://x';")).toEqual(
    [],
  );
});
