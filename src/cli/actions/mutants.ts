import { wrap } from '../../debug/wrap.ts';
import { Exit, TextpokeError } from '../../error.ts';
import { CHECK_TITLES, type CheckId } from '../../explore/violation.ts';
import { FETCH_POLICY_NAMES } from '../../machine/policy/index.ts';
import { type CellResult, CellRunner, smokeCell } from '../../scenario/matrix.ts';
import { type Cell, expectedOf, type Scenario, type Variant } from '../../scenario/scenario.ts';
import { fixtures } from '../fixtures.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { progressLine } from '../progress.ts';
import { resultEvent } from '../result-event.ts';
import { knownScenarios, selectScenarios } from '../scenarios.ts';
import { refuseJobs, searchSettings } from '../search-options.ts';

export interface MutantsOptions extends SharedFlags {
  /** Families or scenarios; empty: all. */
  readonly families: readonly string[];
  /** A file of scenarios. */
  readonly scenarios: string | undefined;
}

/** Runs every variant that does one step wrong, and says which check noticed. 1 when one survives that should not, or none checks. */
export async function mutantsAction(options: MutantsOptions, io: Io): Promise<number> {
  const { known, names } = await knownScenarios(options.scenarios, options.families, io);
  const mutants = selectScenarios(known, names).flatMap((scenario) =>
    scenario.variants.filter((v) => v.mutant !== undefined).map((variant) => ({ scenario, variant })),
  );
  if (mutants.length === 0)
    throw new TextpokeError('E_SCENARIO', 'none of these scenarios has a mutant', { where: names.join(' '), hint: 'textpoke mutants' });
  refuseJobs(options, 'mutants are looked for');
  const runner = new CellRunner(fixtures(io), options.engine);
  const progress = progressLine(io, options);
  const killed = new Map<CheckId, number>();
  const tally = { killed: 0, survived: 0, different: 0, inconclusive: 0 };
  for (const { scenario, variant } of mutants) {
    const cell = cellFor(scenario, variant);
    const result = runner.run(scenario, variant, cell, searchSettings(options, io, progress, `${scenario.name} ${variant.name}`));
    progress.clear();
    const check = result.counterexample?.violation.check;
    if (check !== undefined) killed.set(check, (killed.get(check) ?? 0) + 1);
    if (result.verdict === 'inconclusive') tally.inconclusive++;
    else {
      tally[check === undefined ? 'survived' : 'killed']++;
      if (!result.asRecorded) tally.different++;
    }
    if (options.json) emitEvent(io, 'mutant', { mutant: variant.mutant, ...resultEvent(result) });
    else io.stdout(entry(result));
    if (io.interrupted()) return Exit.interrupted;
  }
  if (options.json) emitEvent(io, 'checks', { killed: Object.fromEntries(ALL_CHECKS.map((check) => [check, killed.get(check) ?? 0])) });
  else {
    const wrong = [
      ...(tally.different === 0 ? [] : [`${tally.different} not as recorded`]),
      ...(tally.inconclusive === 0 ? [] : [`${tally.inconclusive} not settled`]),
    ].join(', ');
    io.stdout(
      `${sayChecks(killed, names.length === 0)}\n${mutants.length} ${mutants.length === 1 ? 'mutant' : 'mutants'}: ${tally.killed} killed, ${tally.survived} survive, `,
    );
    io.stdout(`${wrong === '' ? 'each as recorded' : wrong}\n`);
  }
  if (tally.inconclusive > 0) return Exit.inconclusive;
  return tally.different > 0 ? Exit.violation : Exit.ok;
}

const WIDTH = 80;
const ALL_CHECKS = Object.keys(CHECK_TITLES) as CheckId[];

/** The smallest cell in which a mutant should be killed: the manual's policy, else the first one that lets it do harm. */
function cellFor(scenario: Scenario, variant: Variant): Cell {
  const smallest = smokeCell(scenario);
  const policies = [smallest.fetch, ...FETCH_POLICY_NAMES.toReversed()];
  const fetch = policies.find((policy) => expectedOf(variant.expected, policy) === 'violation') ?? smallest.fetch;
  return { ...smallest, fetch };
}

/** What is wrong, then who noticed, where, and the run that shows it. */
function entry(result: CellResult): string {
  const { scenario, variant, cell } = result;
  const check = result.counterexample?.violation.check;
  const verdict =
    check !== undefined
      ? `killed by ${check}`
      : result.verdict === 'inconclusive'
        ? `not settled (${result.stopped ?? 'stopped'})`
        : `survives${result.verdict === 'vacuous' ? ' (vacuous)' : ''}`;
  const recorded = result.asRecorded ? (check === undefined ? ', as recorded' : '') : `: recorded is ${result.expected}`;
  const place = `${scenario.alias ?? scenario.name} ${variant.name}`;
  const lines = [
    ...indented(variant.mutant ?? variant.title, 2),
    ...indented(`${verdict}${recorded} in ${place}, ${cell.victims} ${cell.fetch} ${cell.memory}`, 6),
    ...(check === undefined ? indented(variant.catalogue?.reason ?? variant.title, 6) : []),
    ...(result.token === undefined ? [] : indented(result.token, 6)),
  ];
  return `${result.asRecorded ? ' ' : '!'}${lines.join('\n').slice(1)}\n`;
}

const indented = (text: string, by: number): string[] => wrap(text, WIDTH - by).map((line) => ' '.repeat(by) + line);

/** Of `all` scenarios, every check: one that kills nothing is not proven to bite. */
function sayChecks(killed: ReadonlyMap<CheckId, number>, all: boolean): string {
  const rows = ALL_CHECKS.filter((check) => all || killed.has(check)).map((check) => {
    const count = killed.get(check) ?? 0;
    return `  ${check.padEnd(10)} ${String(count).padStart(6)}  ${CHECK_TITLES[check]}${count === 0 ? ': NO MUTANT' : ''}`;
  });
  return `\n  ${'check'.padEnd(10)} killed\n${rows.join('\n')}\n`;
}
