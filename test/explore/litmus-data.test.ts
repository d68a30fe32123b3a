import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { observation } from '../../src/explore/litmus/report.ts';
import { runLitmus } from '../../src/explore/litmus/run.ts';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { root } from '../../tools/bootstrap.mjs';
import { lab } from '../fixtures/lab.ts';

const folder = join(root, 'fixtures/litmus/data');
const assembler = await loadAssembler();

/** What x86-TSO allows and interleaving does not: a load before an older store of the same core. A store over two lines is two in both. */
const RELAXED = ['SB', 'SB+lfences', 'SB+sfences', 'SB+mfence+po', 'SB+rfis', 'R', 'n6'];
const BOTH = ['SPLIT.line'];

test.each(readdirSync(folder).map((file) => file.slice(0, -'.litmus'.length)))('%s', (name) => {
  const parsed = parseLitmus(readFileSync(join(folder, `${name}.litmus`), 'utf8'), name);
  const under = (memory: 'sc' | 'tso') => observation(runLitmus(parsed, lab, assembler, { memory }));
  const both = BOTH.includes(name);
  expect([under('sc'), under('tso')]).toEqual([both ? 'Sometimes' : 'Never', both || RELAXED.includes(name) ? 'Sometimes' : 'Never']);
});
