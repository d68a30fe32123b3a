import { Exit, TextpokeError } from '../../error.ts';
import { CellRunner, cellsOf, type Row, smokeCell } from '../../scenario/matrix.ts';
import { type Cell, familyOf, type Scenario, type Variant } from '../../scenario/scenario.ts';
import { didYouMean } from '../../suggest.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { rowsInOrder, Workers } from '../jobs.ts';
import { emitEvent } from '../json.ts';
import { groupDigits, type ProgressLine, progressLine } from '../progress.ts';
import { LIMITS, ROW_HEAD, row } from '../report.ts';
import { resultEvent } from '../result-event.ts';
import { knownScenarios, type Scenarios, selectScenarios } from '../scenarios.ts';
import { plainFlags, searchSettings } from '../search-options.ts';

export interface MatrixOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
  readonly variant: string | undefined;
  readonly victims: number | undefined;
  /** One cell for each variant. */
  readonly smoke: boolean;
}

/** What became of the rows of one family. */
interface Tally {
  rows: number;
  /** Verdicts that are not the recorded ones. */
  different: number;
  /** Searches that were stopped. */
  inconclusive: number;
  states: number;
  transitions: number;
}

const FAMILY_COLUMNS = 14;

/** Runs the table of scenarios, variants and models, and compares each verdict with the recorded one. Returns the exit code. */
export async function matrixAction(options: MatrixOptions, io: Io): Promise<number> {
  const { known, names } = await knownScenarios(options.scenarios, options.families, io);
  const scenarios = selectScenarios(known, names);
  const { variant: only } = options;
  if (only !== undefined && scenarios.every((s) => s.variants.every((v) => v.name !== only))) throw noVariant(scenarios, only);
  const progress = progressLine(io, options);
  const wantedRows = rowsOf(scenarios, options);
  if (!options.json) io.stdout(`${ROW_HEAD}\n`);
  const tallies = new Map<string, Tally>();
  const results =
    options.jobs === undefined ? oneByOne(wantedRows, options, io, progress) : together(wantedRows, known, options, io, progress);
  for await (const result of results) {
    progress.clear();
    count(tallies, familyOf(result.scenario), result);
    if (options.json) emitEvent(io, 'result', resultEvent(result));
    else io.stdout(`${row(result.scenario, result.variant, result)}\n`);
  }
  if (io.interrupted()) return Exit.interrupted;
  const all = total([...tallies.values()]);
  if (all.rows === 0)
    throw new TextpokeError('E_USAGE', 'no row of the matrix fits these flags', {
      where: '--victims, --fetch, --memory, --smoke',
      hint: 'rows run with 1 victim under all models, with 2 under coherent and intel-sdm',
    });
  if (options.json) for (const [family, tally] of tallies) emitEvent(io, 'tally', { family, ...tally });
  else io.stdout(sayTallies(tallies, all));
  if (all.inconclusive > 0) return Exit.inconclusive;
  return all.different > 0 ? Exit.violation : Exit.ok;
}

interface Wanted {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
}

function rowsOf(scenarios: readonly Scenario[], options: MatrixOptions): readonly Wanted[] {
  return scenarios.flatMap((scenario) =>
    scenario.variants
      .filter((v) => options.variant === undefined || v.name === options.variant)
      .flatMap((variant) =>
        (options.smoke ? [smokeCell(scenario)] : cellsOf(scenario, variant))
          .filter((cell) => wanted(options, cell))
          .map((cell) => ({ scenario, variant, cell })),
      ),
  );
}

function* oneByOne(rows: readonly Wanted[], options: MatrixOptions, io: Io, progress: ProgressLine): Generator<Row> {
  const runner = new CellRunner(fixtures(io), options.engine);
  for (const { scenario, variant, cell } of rows) {
    const settings = searchSettings(options, io, progress, `${scenario.alias ?? scenario.name} ${variant.name}`);
    yield runner.run(scenario, variant, cell, options.smoke ? { ...settings, shrink: false } : settings);
    if (io.interrupted()) return;
  }
}

/** The same by several threads. */
async function* together(
  rows: readonly Wanted[],
  known: Scenarios,
  options: MatrixOptions,
  io: Io,
  progress: ProgressLine,
): AsyncGenerator<Row> {
  const { engine } = options;
  const asked = rows.map(({ scenario, variant, cell }) => ({
    group: `${scenario.name} ${variant.name} ${cell.victims}`,
    target: { file: known.file, scenario: scenario.name, variant: variant.name, cell, engine },
  }));
  const workers = new Workers(io, Math.min(options.jobs ?? 1, Math.max(rows.length, 1)));
  let done = 0;
  try {
    for await (const result of rowsInOrder(workers, asked, io, { flags: plainFlags(options), shrink: !options.smoke })) {
      const { scenario, variant } = rows[done++]!;
      yield { ...result, scenario, variant };
      progress.show(`${done} of ${rows.length} rows`);
    }
  } finally {
    workers.end();
  }
}

function sayTallies(tallies: ReadonlyMap<string, Tally>, all: Tally): string {
  const lines = [...tallies].map(([family, tally]) => `  ${sayTally(family.padEnd(FAMILY_COLUMNS), tally)}`);
  return `\n${lines.length > 1 ? `${lines.join('\n')}\n` : ''}${sayTally('', all)}\nlimits   ${LIMITS}\n`;
}

function sayTally(head: string, tally: Tally): string {
  const [rows, states, transitions] = [tally.rows, tally.states, tally.transitions].map(groupDigits);
  const counts =
    head === ''
      ? `${rows} rows, ${states} states, ${transitions} transitions`
      : `${head} ${rows?.padStart(6)} rows ${states?.padStart(12)} states`;
  const wrong = [
    ...(tally.different === 0
      ? []
      : [`${tally.different} ${tally.different === 1 ? 'verdict differs' : 'verdicts differ'} from what is recorded (marked !)`]),
    ...(tally.inconclusive === 0 ? [] : [`${tally.inconclusive} not settled`]),
  ];
  return `${counts}: ${wrong.length === 0 ? (head === '' ? 'each verdict is as recorded' : 'as recorded') : wrong.join(', ')}`;
}

function noVariant(scenarios: readonly Scenario[], name: string): TextpokeError {
  const known = scenarios.flatMap((s) => s.variants.map((v) => v.name));
  return new TextpokeError('E_SCENARIO', `no variant is called '${name}'`, {
    where: `--variant ${name}`,
    hint: didYouMean(name, known) ?? 'textpoke explain SCENARIO lists its variants',
  });
}

function wanted(options: MatrixOptions, cell: Cell): boolean {
  return (
    (options.victims ?? cell.victims) === cell.victims &&
    (options.fetch ?? cell.fetch) === cell.fetch &&
    (options.memory ?? cell.memory) === cell.memory
  );
}

function count(tallies: Map<string, Tally>, family: string, result: Row): void {
  const tally = tallies.get(family) ?? { rows: 0, different: 0, inconclusive: 0, states: 0, transitions: 0 };
  tallies.set(family, tally);
  tally.rows++;
  if (result.verdict === 'inconclusive') tally.inconclusive++;
  else if (!result.asRecorded) tally.different++;
  tally.states += result.counts.states;
  tally.transitions += result.counts.transitions;
}

function total(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((n, tally) => n + of(tally), 0);
  return {
    rows: sum((t) => t.rows),
    different: sum((t) => t.different),
    inconclusive: sum((t) => t.inconclusive),
    states: sum((t) => t.states),
    transitions: sum((t) => t.transitions),
  };
}
