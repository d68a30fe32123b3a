import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { observation } from '../../src/explore/litmus/report.ts';
import { runLitmus } from '../../src/explore/litmus/run.ts';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { locationOf, type OracleRecord, statesOf } from '../../tools/litmus-oracle.ts';
import { lab } from '../fixtures/lab.ts';

/** Litmus tests with their complete sets of final states, kept beside the project and not in it. */
const DIRECTORY = fileURLToPath(new URL('../../../shared/data/litmus/', import.meta.url));
/** Families and how many of each are taken: every `step`th test in the order of the oracle. `npm run conformance:litmus` takes all. */
const FAMILIES: readonly { readonly directory: string; readonly step: number }[] = [
  { directory: 'gen-hand/', step: 1 },
  { directory: 'herdtools7-catalogue', step: 1 },
  { directory: 'gen-diy/', step: 12 },
  { directory: 'gen-random/', step: 12 },
  { directory: 'litmus-tests-x86/', step: 40 },
];

const available = existsSync(`${DIRECTORY}oracle.json`);
if (!available) console.warn('litmus oracle: no data beside the project, the comparison is skipped');

test.skipIf(!available)('final states of litmus tests are those of the oracle', { timeout: 120_000 }, async () => {
  const { tests } = JSON.parse(readFileSync(`${DIRECTORY}oracle.json`, 'utf8')) as { tests: OracleRecord[] };
  const exact = tests.filter((t) => t.operational_agrees === true && t.loop_truncated !== true);
  const chosen = FAMILIES.flatMap(({ directory, step }) =>
    exact.filter((t) => t.file.startsWith(directory)).filter((_, n) => n % step === 0),
  );
  const assembler = await loadAssembler();
  const different: string[] = [];
  for (const record of chosen) {
    const program = parseLitmus(readFileSync(`${DIRECTORY}tests/${record.file}`, 'utf8'), record.file);
    const wanted = statesOf(record);
    const result = runLitmus(program, lab, assembler, { locations: wanted.names.map(locationOf) });
    const found = result.states.map((s) => s.map((v) => BigInt.asUintN(64, v)).join(' ')).sort();
    if (found.join() !== wanted.states.join() || observation(result) !== record.observation)
      different.push(`${record.file}: found ${found.join(', ')}; wanted ${wanted.states.join(', ')}`);
  }
  console.info(`litmus oracle: ${chosen.length - different.length} of ${chosen.length} equal`);
  expect(different).toEqual([]);
  expect(chosen.length).toBeGreaterThan(100);
});
