import { Exit, TextpokeError } from '../../error.ts';
import { CATALOGUE, FAMILIES, scenarioOf } from '../../scenario/catalogue.ts';
import { type CellResult, CellRunner, cellsOf } from '../../scenario/matrix.ts';
import { familyOf, type Scenario } from '../../scenario/scenario.ts';
import { didYouMean } from '../../suggest.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { groupDigits, progressLine } from '../progress.ts';
import { LIMITS, ROW_HEAD, row } from '../report.ts';
import { resultEvent } from '../result-event.ts';
import { engineName, searchSettings } from '../search-options.ts';

export interface MatrixOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
  readonly variant: string | undefined;
  readonly victims: number | undefined;
}

/** Runs the table of scenarios, variants and models, and compares each verdict with the recorded one. Returns the exit code. */
export async function matrixAction(options: MatrixOptions, io: Io): Promise<number> {
  const scenarios = selected(options.families);
  const { variant: only } = options;
  if (only !== undefined && scenarios.every((s) => s.variants.every((v) => v.name !== only))) throw noVariant(scenarios, only);
  const runner = new CellRunner(fixtures(io), engineName(options));
  const progress = progressLine(io, options);
  if (!options.json) io.stdout(`${ROW_HEAD}\n`);
  const tally = { rows: 0, different: 0, inconclusive: 0, states: 0, transitions: 0 };
  for (const scenario of scenarios) {
    const variants = options.variant === undefined ? scenario.variants : scenario.variants.filter((v) => v.name === options.variant);
    for (const variant of variants) {
      for (const cell of cellsOf(scenario, variant)) {
        if (!wanted(options, cell)) continue;
        const settings = searchSettings(options, io, progress, `${scenario.alias ?? scenario.name} ${variant.name}`);
        const result = runner.run(scenario, variant, cell, settings);
        progress.clear();
        count(tally, result);
        io.stdout(options.json ? `${JSON.stringify(resultEvent(result), hexAddresses)}\n` : `${row(scenario, variant, result)}\n`);
        if (io.interrupted()) return Exit.interrupted;
      }
    }
  }
  if (!options.json) {
    const same =
      tally.different === 0
        ? 'each verdict is as recorded'
        : `${tally.different} ${tally.different === 1 ? 'verdict differs' : 'verdicts differ'} from what is recorded (marked !)`;
    io.stdout(
      `\n${tally.rows} rows, ${groupDigits(tally.states)} states, ${groupDigits(tally.transitions)} transitions: ${same}\nlimits   ${LIMITS}\n`,
    );
  }
  if (tally.rows === 0)
    throw new TextpokeError('E_USAGE', 'no row of the matrix fits these flags', {
      where: '--victims, --fetch, --memory',
      hint: 'rows run with 1 victim under all models, with 2 under coherent and intel-sdm',
    });
  if (tally.inconclusive > 0) return Exit.inconclusive;
  return tally.different > 0 ? Exit.violation : Exit.ok;
}

function noVariant(scenarios: readonly Scenario[], name: string): TextpokeError {
  const known = scenarios.flatMap((s) => s.variants.map((v) => v.name));
  return new TextpokeError('E_SCENARIO', `no variant is called '${name}'`, {
    where: `--variant ${name}`,
    hint: didYouMean(name, known) ?? 'textpoke explain SCENARIO lists its variants',
  });
}

const hexAddresses = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value);

function wanted(options: MatrixOptions, cell: { readonly victims: number; readonly fetch: string; readonly memory: string }): boolean {
  return (
    (options.victims ?? cell.victims) === cell.victims &&
    (options.fetch ?? cell.fetch) === cell.fetch &&
    (options.memory ?? cell.memory) === cell.memory
  );
}

/** Scenarios of the named families, or named themselves; all when nothing is named. */
export function selected(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return CATALOGUE;
  return CATALOGUE.filter((s) =>
    names.some((name) => {
      if (FAMILIES.includes(name)) return familyOf(s) === name;
      const known = CATALOGUE.some((c) => c.name === name || c.alias?.toLowerCase() === name.toLowerCase());
      if (known) return scenarioOf(name) === s;
      const names = [...FAMILIES, ...CATALOGUE.map((c) => c.name)];
      throw new TextpokeError('E_SCENARIO', `there is no family or scenario '${name}'`, {
        where: name,
        hint: didYouMean(name, names) ?? `families: ${FAMILIES.join(', ')}`,
      });
    }),
  );
}

function count(
  tally: { rows: number; different: number; inconclusive: number; states: number; transitions: number },
  result: CellResult,
): void {
  tally.rows++;
  if (result.verdict === 'inconclusive') tally.inconclusive++;
  else if (!result.asRecorded) tally.different++;
  tally.states += result.counts.states;
  tally.transitions += result.counts.transitions;
}
