/**
 * Runs litmus tests on the CPU of this machine and puts what was seen beside what the models allow:
 *
 *   npm run silicon [-- [--seconds N] [--json] [NAME|FILE.litmus...]]
 *
 * Without names: the tests of fixtures/litmus. NAME is the name of a test, or its beginning with a * behind it. Each test that a process
 * can run takes N seconds (default 2). Exit 1 when an outcome was seen that the default model, tso and intel-sdm, forbids,
 * 128 when the harness fails.
 * What was not seen may still happen. `npm run conformance:silicon` is something else: single instructions, recorded.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseLitmus } from '../../src/explore/litmus/syntax.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { builtFixture } from '../built-fixture.ts';
import { buildHarness, type Harness, whyNotHere } from './host.ts';
import { hostProgram, whyNotOn } from './host-program.ts';
import { allowedOf, findingsOf, type Observation, observationReport, parseObservation } from './observe.ts';

const FOLDERS = ['data', 'fetch'].map((name) => fileURLToPath(new URL(`../../fixtures/litmus/${name}/`, import.meta.url)));
const DEFAULT_SECONDS = 2;
const USAGE = 'usage: npm run silicon [-- [--seconds N] [--json] [NAME|FILE.litmus...]]';

interface Asked {
  readonly seconds: number;
  readonly json: boolean;
  readonly files: readonly string[];
}

function parse(args: readonly string[]): Asked | undefined {
  let seconds = DEFAULT_SECONDS;
  let json = false;
  const names: string[] = [];
  for (let n = 0; n < args.length; n++) {
    const arg = args[n] as string;
    if (arg === '--seconds') seconds = Number(args[++n]);
    else if (arg === '--json') json = true;
    else if (arg.startsWith('-')) return undefined;
    else names.push(arg);
  }
  if (!(seconds > 0 && seconds <= 3600)) return undefined;
  const known = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.litmus'))
      .sort()
      .map((file) => ({ name: file.slice(0, -'.litmus'.length), path: folder + file })),
  );
  if (names.length === 0) return { seconds, json, files: known.map(({ path }) => path) };
  const files = names.flatMap((asked) => {
    if (asked.endsWith('.litmus')) return [asked];
    const found = known.filter(({ name }) => (asked.endsWith('*') ? name.startsWith(asked.slice(0, -1)) : name === asked));
    if (found.length === 0) console.error(`there is no test ${asked}`);
    return found.map(({ path }) => path);
  });
  return files.length === 0 ? undefined : { seconds, json, files };
}

async function main(args: readonly string[]): Promise<number> {
  const asked = parse(args);
  if (asked === undefined) {
    console.error(USAGE);
    return 129;
  }
  const why = whyNotHere();
  if (why !== undefined) {
    console.log(`not run: ${why}`);
    return 0;
  }
  const harness = buildHarness();
  try {
    if (harness.host.cores.length < 2) {
      console.log('not run: one core, on which nothing of this can be seen');
      return 0;
    }
    return await runAll(asked, harness);
  } finally {
    harness.close();
  }
}

async function runAll({ seconds, json, files }: Asked, harness: Harness): Promise<number> {
  const assembler = await loadAssembler();
  const lab = builtFixture('lab');
  const tally = { run: 0, notRun: 0, failed: 0, findings: 0 };
  for (const file of files) {
    const test = parseLitmus(readFileSync(file, 'utf8'), file);
    const reason = whyNotOn(test, harness.host);
    if (reason !== undefined) {
      tally.notRun++;
      console.log(json ? JSON.stringify({ test: test.name, notRun: reason }) : `${test.name}: not run: ${reason}\n`);
      continue;
    }
    const { input, watched } = hostProgram(test, assembler, { host: harness.host, seconds });
    const allowed = allowedOf(test, lab, assembler);
    let seen: Observation;
    try {
      seen = parseObservation(test, watched, harness.run(input, seconds));
    } catch (error) {
      // No word about the CPU: the next test may fare better.
      tally.failed++;
      const message = (error as Error).message;
      console.log(json ? JSON.stringify({ test: test.name, failed: message }) : `${test.name}: failed: ${message}\n`);
      continue;
    }
    const findings = findingsOf(allowed, seen);
    tally.run++;
    tally.findings += findings.length;
    if (json) {
      const states = [...seen.states].map(([state, count]) => ({ state, count, allowed: allowed.states.get(state) ?? [] }));
      console.log(JSON.stringify({ test: test.name, runs: seen.runs, states, findings }));
    } else console.log(observationReport(test, allowed, seen));
  }
  if (!json) {
    const ran = tally.run === 0 ? 'nothing was run' : `${tally.run} tests run, ${tally.findings} outcomes that the default model forbids`;
    console.log(`${ran}; ${tally.notRun} not run, ${tally.failed} failed. What was not seen may still happen.`);
  }
  return tally.findings > 0 ? 1 : tally.failed > 0 ? 128 : 0;
}

process.exitCode = await main(process.argv.slice(2));
