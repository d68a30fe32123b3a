/**
 * Runs litmus tests on the emulated cores and compares their final states with the complete expected sets:
 *
 *   npm run conformance:litmus -- DIR [NAME...]     DIR holds oracle.json and tests/; NAME is part of a file's name
 *
 * Every test is equal, different or unsupported with its reason; exit 1 on a difference. Tells what the tests cost in CPU time, next to herd7's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextpokeError } from '../src/error.ts';
import { costReport, type LitmusCost } from '../src/explore/litmus/cost.ts';
import { registerNamed } from '../src/explore/litmus/program.ts';
import { observation } from '../src/explore/litmus/report.ts';
import { runLitmus } from '../src/explore/litmus/run.ts';
import { parseLitmus } from '../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../src/image/assembler/index.ts';
import { builtFixture } from './built-fixture.ts';
import { locationOf, type OracleRecord, statesOf } from './litmus-oracle.ts';

async function main(args: readonly string[]): Promise<number> {
  const [directory, ...wanted] = args;
  if (directory === undefined) {
    console.error('usage: npm run conformance:litmus -- DIR [NAME...]   (DIR holds oracle.json and tests/)');
    return 129;
  }
  const { tests } = JSON.parse(readFileSync(join(directory, 'oracle.json'), 'utf8')) as { tests: OracleRecord[] };
  const chosen = tests.filter((t) => wanted.length === 0 || wanted.some((name) => t.file.includes(name)));
  const assembler = await loadAssembler();
  const lab = builtFixture('lab');
  const tally = new Map<string, { equal: number; different: number; unsupported: number }>();
  const problems: string[] = [];
  const costs: LitmusCost[] = [];
  for (const record of chosen) {
    const family = record.file.split('/')[0] as string;
    const count = tally.get(family) ?? { equal: 0, different: 0, unsupported: 0 };
    tally.set(family, count);
    const begin = process.cpuUsage();
    try {
      const test = parseLitmus(readFileSync(join(directory, 'tests', record.file), 'utf8'), record.file);
      const { names, states: expected } = statesOf(record);
      const locations = names.map(locationOf);
      for (const l of locations) if (l.kind === 'register') registerNamed(l.register);
      const result = runLitmus(test, lab, assembler, { locations });
      const { user, system } = process.cpuUsage(begin);
      costs.push({ name: record.file, seconds: (user + system) / 1e6, herd: record.herd_seconds });
      const found = result.states.map((s) => s.map((v) => BigInt.asUintN(64, v)).join(' ')).sort();
      const same = record.loop_truncated === true ? expected.every((s) => found.includes(s)) : found.join() === expected.join();
      // Of witnesses the oracle counts executions, of which several may end alike: the word is what can be compared.
      const answer = observation(result);
      const asked = record.observation;
      if (same && (answer === asked || record.loop_truncated === true)) count.equal++;
      else {
        count.different++;
        problems.push(`different ${record.file}\n  found    ${found.join(', ')} ${answer}\n  expected ${expected.join(', ')} ${asked}`);
      }
    } catch (error) {
      if (!(error instanceof TextpokeError)) throw error;
      count.unsupported++;
      problems.push(`unsupported ${record.file}: ${error.message}`);
    }
  }
  for (const problem of problems) console.log(problem);
  const all = { equal: 0, different: 0, unsupported: 0 };
  for (const [family, count] of tally) {
    console.log(`${family.padEnd(28)} ${count.equal} equal, ${count.different} different, ${count.unsupported} unsupported`);
    for (const key of ['equal', 'different', 'unsupported'] as const) all[key] += count[key];
  }
  console.log(`${chosen.length} tests: ${all.equal} equal, ${all.different} different, ${all.unsupported} unsupported`);
  console.log(costReport(costs));
  return all.different > 0 || chosen.length === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
