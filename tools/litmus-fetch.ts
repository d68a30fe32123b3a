/**
 * Runs the litmus tests of instruction fetch under every policy and compares them with what is recorded beside them:
 *
 *   npx tsx tools/litmus-fetch.ts [NAME...]     NAME is part of a test's name; 1 on a difference
 *   npx tsx tools/litmus-fetch.ts --write       records the final states, and rewrites the table of docs/litmus.md
 *
 * The verdicts and their reasons are written by hand and never rewritten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadAssembler } from '../src/image/assembler/index.ts';
import { EXPECTED_PATH, loadSuite, runSuiteTest, type Suite, suiteTable, withTable } from './litmus-suite.ts';

const PAGE = fileURLToPath(new URL('../docs/litmus.md', import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const write = args.includes('--write');
  const names = args.filter((a) => a !== '--write');
  const assembler = await loadAssembler();
  const suite = loadSuite();
  let different = 0;
  const tests = suite.tests.map((expected) => {
    if (names.length > 0 && !names.some((name) => expected.test.includes(name))) return expected;
    const found = runSuiteTest(expected.test, assembler);
    const same =
      found.allowed === expected.allowed &&
      found.reported === expected.reported &&
      found.notGrowing.length === 0 &&
      found.unsettled.length === 0 &&
      (write || JSON.stringify(found.states) === JSON.stringify(expected.states));
    if (!same) {
      different++;
      console.log(`${expected.test}\n  found    ${JSON.stringify(found)}\n  expected ${JSON.stringify(expected)}`);
    }
    return { ...expected, states: found.states };
  });
  if (write) {
    const now: Suite = { ...suite, tests };
    writeFileSync(EXPECTED_PATH, `${JSON.stringify(now, null, 2)}\n`);
    writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), suiteTable(now)));
  }
  console.log(`${tests.length} tests, ${different} different`);
  return different > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
