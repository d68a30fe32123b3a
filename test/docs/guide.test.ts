import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, doBlock, installPacked, patternOf, run } from './guide.ts';

// The package as somebody else gets it, packed once: another program uses it, and the pages of docs/ are done word for word.
const work = mkdtempSync(join(tmpdir(), 'textpoke-packed-'));
beforeAll(() => void installPacked(work, ['vitest']), 120_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { CellRunner, imageFromElf, replayToken, scenarioOf, variantOf } from 'textpoke';

const built = (name) => imageFromElf(readFileSync(new URL(import.meta.resolve(\`textpoke/fixtures/\${name}/\${name}.elf\`))), name);
const runner = new CellRunner(built);
const scenario = scenarioOf('F1');
const cell = { victims: 1, fetch: 'intel-sdm', memory: 'tso' };
const settle = (name) => runner.run(scenario, variantOf(scenario, name), cell);

const proof = settle('final-sync');
const race = settle('no-final-sync');
const { trace } = replayToken(runner, race.token);
console.log(JSON.stringify([proof.verdict, proof.coverage.kind, race.verdict, trace.violations.map((v) => v.check)]));
`;

test('another program explores a scenario with the packed package', () => {
  writeFileSync(join(work, 'settle.mjs'), PROGRAM);
  expect(JSON.parse(run(process.execPath, ['settle.mjs'], work))).toEqual(['ok', 'exhaustive', 'violation', ['I1']]);
});

const gcc = ['gcc', 'ld'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const missing = gcc ? '' : ' (skipped: gcc and ld are not there)';

describe.each(['bring-your-own.md', 'vitest.md'])(`docs/%s, done from nothing${missing}`, (page) => {
  test.runIf(gcc).each(blocksOf(page).map((block) => [block.file ?? (block.text.split('\n')[0] as string), block] as const))(
    '%s',
    (_name, block) => {
      for (const { command, output } of doBlock(block, work)) {
        const said = command.printed.length === 0 ? output : output.replace(/[ \t]+$/gm, '');
        if (command.printed.length > 0) expect(said, command.line).toMatch(patternOf(command.printed));
      }
    },
    60_000,
  );
});

test('a page that says something else than what is printed is noticed', () => {
  const page = patternOf(['one', '...', '  token tp1_... end']);
  expect('one\ntwo\nthree\n  token tp1_Ab-9 end\n').toMatch(page);
  for (const other of ['one\n  token tp1_x\n', 'two\n  token tp1_x end\n', 'one\n  token tp1_x end\nmore\n', 'one\n'])
    expect(other).not.toMatch(page);
});
