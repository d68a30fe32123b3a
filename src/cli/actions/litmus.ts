import { Exit, TextpokeError } from '../../error.ts';
import { locationText } from '../../explore/litmus/condition.ts';
import { costReport, type LitmusCost } from '../../explore/litmus/cost.ts';
import { runPolicies } from '../../explore/litmus/policies.ts';
import { comparisonReport, litmusReport, observation } from '../../explore/litmus/report.ts';
import { type LitmusResult, runLitmus } from '../../explore/litmus/run.ts';
import { parseLitmus, usesCode } from '../../explore/litmus/syntax.ts';
import { loadAssembler } from '../../image/assembler/index.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { progressLine } from '../progress.ts';
import { searchSettings } from '../search-options.ts';

export interface LitmusActionOptions extends SharedFlags {
  /** Files, and folders that stand for their .litmus files. */
  readonly paths: readonly string[];
}

/** Prints the final states of each test. What one test lacks is told and does not keep the others from running. Returns the exit code. */
export async function litmusAction(options: LitmusActionOptions, io: Io): Promise<number> {
  const files = options.paths.flatMap((path) => testsAt(path, io));
  const assembler = await loadAssembler();
  const lab = fixtures(io)('lab');
  const progress = progressLine(io, options);
  const herd = herdSeconds(options.paths, io);
  let unsettled = 0;
  let failed: TextpokeError | undefined;
  const costs: LitmusCost[] = [];
  for (const file of files) {
    const { engine } = options;
    const { budget } = searchSettings(options, io, progress, file);
    const begin = io.cpuSeconds();
    try {
      const test = parseLitmus(new TextDecoder().decode(io.readFile(file)), file);
      const models = {
        memory: options.memory ?? 'tso',
        ...(engine === undefined ? {} : { engine }),
        ...(budget === undefined ? {} : { budget }),
      } as const;
      const compared = options.fetch === undefined && usesCode(test) ? runPolicies(test, lab, assembler, models) : undefined;
      const results = compared?.results ?? [
        [options.fetch ?? 'coherent', runLitmus(test, lab, assembler, { ...models, fetch: options.fetch ?? 'coherent' })] as const,
      ];
      progress.clear();
      costs.push({ name: file, seconds: io.cpuSeconds() - begin, herd: herd.get(file) });
      if ([...results].some(([, result]) => result.stopped !== undefined)) unsettled++;
      if (compared !== undefined && !options.json) io.stdout(`${comparisonReport(compared)}\n`);
      else for (const [fetch, result] of results) say(result, fetch, file, options, io);
    } catch (error) {
      if (!(error instanceof TextpokeError)) throw error;
      failed ??= error;
      if (files.length === 1) throw error;
      if (options.json) emitEvent(io, 'litmus', { file, error: error.message });
      else io.stdout(`Test ${file} not run: ${error.message}\n\n`);
    }
    if (io.interrupted()) return Exit.interrupted;
  }
  if (files.length > 1 && !options.quiet) io.stderr(costReport(costs));
  if (failed !== undefined) return failed.exitCode;
  return unsettled > 0 ? Exit.inconclusive : Exit.ok;
}

/** What herd7 took for tests, where their folder holds an `oracle.json` that says so of the files below its `tests`. */
function herdSeconds(paths: readonly string[], io: Io): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  for (const oracle of paths.flatMap((path) => io.listFiles(path) ?? []).filter((file) => /(^|\/)oracle\.json$/.test(file))) {
    const folder = oracle.slice(0, -'oracle.json'.length);
    for (const { file, herd_seconds: seconds } of recordsOf(new TextDecoder().decode(io.readFile(oracle))))
      if (typeof seconds === 'number') out.set(`${folder}tests/${file}`, seconds);
  }
  return out;
}

/** Records of an oracle; none where the file is something else of that name, which keeps no test from running. */
function recordsOf(text: string): readonly { readonly file?: unknown; readonly herd_seconds?: unknown }[] {
  try {
    const { tests } = JSON.parse(text) as { readonly tests?: unknown };
    return Array.isArray(tests) ? tests : [];
  } catch {
    return [];
  }
}

function testsAt(path: string, io: Io): readonly string[] {
  const files = io.listFiles(path);
  if (files === undefined) return [path];
  const tests = files.filter((file) => file.endsWith('.litmus'));
  if (tests.length === 0)
    throw new TextpokeError('E_FILE', `there is no litmus test in ${path}`, { where: path, hint: 'their names end in .litmus' });
  return tests;
}

function say(result: LitmusResult, fetch: string, file: string, options: LitmusActionOptions, io: Io): void {
  if (!options.json) {
    io.stdout(`${litmusReport(result)}\n`);
    return;
  }
  const states = result.states.map((state) => Object.fromEntries(result.locations.map((l, n) => [locationText(l), String(state[n])])));
  emitEvent(io, 'litmus', {
    file,
    test: result.test.name,
    fetch,
    states,
    observation: observation(result),
    positive: result.positive,
    negative: result.negative,
    codeRace: result.codeRace,
    endless: result.endless,
    complete: result.stopped === undefined && result.bounds.length === 0,
    ...(result.bounds.length === 0 ? {} : { bounds: result.bounds }),
    explored: result.counts.states,
  });
}
