import { wrap } from '../debug/wrap.ts';
import type { Executions } from '../explore/dpor/search.ts';
import type { Cost, Coverage } from '../explore/result.ts';
import { CHECK_TITLES } from '../explore/violation.ts';
import { VisitedSet } from '../explore/visited.ts';
import type { CellResult, Row } from '../scenario/matrix.ts';
import type { Cell, Scenario, Variant } from '../scenario/scenario.ts';
import { SIZE_NAMES, sayCount as sayNumber } from '../scenario/sizes.ts';
import { groupDigits } from './progress.ts';
import { saySample } from './sample-report.ts';

/** A line of a report, broken at 79 columns. */
export const wrapped = (line: string): string => wrap(line, 79, 9).join('\n');

/** What a report is about, broken at 79 columns. */
export const headline = (line: string): string => wrap(line, 79, 2).join('\n');

/** What is and is not modelled: every result links to it. */
export const LIMITS = 'README.md#limits';

/** `1 234 states, 5 678 transitions`, or of a search over orders how many there are. */
function sayCounts({ counts, executions, cost }: Pick<CellResult, 'counts' | 'executions' | 'cost'>): string {
  const orders = executions === undefined ? [] : [sayExecutions(executions)];
  const states = counts.states === 0 ? [] : [`${groupDigits(counts.states)} states`];
  // Those of several workers are a cost, not a finding.
  const transitions = cost === undefined ? [`${groupDigits(counts.transitions)} transitions`] : [];
  return [...states, ...transitions, ...orders].join(', ');
}

/** `650 orders of dependent events (25 given up on the way)`. */
function sayExecutions({ complete, blocked, circles }: Executions): string {
  const given = blocked === 0 ? [] : [`${groupDigits(blocked)} given up on the way`];
  const cut = circles === 0 ? [] : [`${groupDigits(circles)} cut where they went in circles`];
  const aside = [...given, ...cut];
  return `${groupDigits(complete)} orders of dependent events${aside.length === 0 ? '' : ` (${aside.join(', ')})`}`;
}

/** Coverage in words, with its counts. */
export function sayCoverage(result: Pick<CellResult, 'coverage' | 'counts' | 'stopped' | 'sample' | 'executions' | 'cost'>): string {
  const { coverage } = result;
  if (result.sample !== undefined) return saySample(result.sample, result.counts.transitions);
  switch (coverage.kind) {
    case 'exhaustive':
      if (result.counts.states === 0) return `exhaustive: ${sayCounts(result)}`;
      return `exhaustive: ${sayCounts(result)}; two states with one key: p < ${VisitedSet.collisionBound(result.counts.states).toExponential(0)}`;
    case 'bounded':
      return `bounded (${coverage.bounds.join(', ')}): ${sayCounts(result)}`;
    case 'sampled':
      return `sampled: ${groupDigits(coverage.schedules)} schedules, ${groupDigits(result.counts.transitions)} transitions`;
    case 'first-violation':
      return `stopped at the first violation: ${sayCounts(result)}`;
    case 'incomplete':
      return `incomplete (${result.stopped ?? 'stopped'}): ${sayCounts(result)}`;
  }
}

/** What a search by several workers took. */
export function sayCost({ jobs, transitions, seconds }: Cost): string {
  const who = `${jobs} ${jobs === 1 ? 'worker' : 'workers'}`;
  return `cost     ${groupDigits(transitions)} transitions by ${who}${seconds === undefined ? '' : ` in ${seconds.toFixed(1)} s`}`;
}

/** One word for a table. */
function shortCoverage(coverage: Coverage): string {
  switch (coverage.kind) {
    case 'bounded':
      return 'bounded';
    case 'sampled':
      return `sampled ${coverage.schedules}`;
    case 'first-violation':
      return 'found';
    case 'incomplete':
      return 'incomplete';
    case 'exhaustive':
      return 'exhaustive';
  }
}

/** `3 cores (2 victims), fetch intel-sdm, memory tso`; sizes stand behind the victims where they are not as usual. */
export function sayCell(cell: Cell): string {
  const victims = cell.victims === 0 ? 'alone' : `${cell.victims} ${cell.victims === 1 ? 'victim' : 'victims'}`;
  const sizes = SIZE_NAMES.flatMap((name) => (cell[name] === undefined ? [] : [`, ${sayNumber(name, cell[name])}`]));
  return `${cell.victims + 1} ${cell.victims === 0 ? 'core' : 'cores'} (${victims}${sizes.join('')}), fetch ${cell.fetch}, memory ${cell.memory}`;
}

/** Headline of a verdict: what was found, or how much nothing was found in. */
export function sayVerdict(result: Row): string {
  switch (result.verdict) {
    case 'violation': {
      const { violation } = result.counterexample as NonNullable<CellResult['counterexample']>;
      return `FAIL ${CHECK_TITLES[violation.check]} (${violation.check}): ${violation.message}`;
    }
    case 'vacuous':
      return `VACUOUS no violation, but never seen: ${result.missingWitnesses.join(', ')}`;
    case 'inconclusive':
      return `INCONCLUSIVE ${result.stopped ?? ''}: nothing found so far`;
    case 'ok':
      return result.coverage.kind === 'sampled'
        ? `no violation in ${groupDigits(result.coverage.schedules)} schedules`
        : 'OK no violation in any order that the models allow';
  }
}

/** `lw2: of 34 paths through "..." 12 end in a violation (35 %)`, or why there is no number; undefined when none was asked for. */
export function sayShare(result: Pick<CellResult, 'scenario' | 'variant' | 'share'>): string | undefined {
  const { scenario, variant, share } = result;
  if (share === undefined) return undefined;
  const what = `paths through "${scenario.share?.through ?? ''}"`;
  if (share.kind === 'uncounted') return `${variant.name}: ${what} not counted: ${share.why}`;
  const { violating, through } = share;
  return `${variant.name}: of ${groupDigits(through)} ${what} ${groupDigits(violating)} end in a violation (${part(violating, through)})`;
}

/** 100 % and 0 % only where all and none are meant. */
export function part(some: bigint, all: bigint): string {
  if (some === 0n) return 'none';
  if (some === all) return '100 %';
  const percent = Number((some * 10n ** 14n) / all) / 1e12;
  return percent > 99.9 ? '> 99.9 %' : percent < 1e-9 ? '< 1e-9 %' : `${percent.toPrecision(2)} %`;
}

/** The verdict in a word. What random schedules did not find may still be there. */
export const verdictWord = ({ verdict, coverage }: Pick<CellResult, 'verdict' | 'coverage'>): string =>
  verdict === 'ok' && coverage.kind === 'sampled' ? 'none found' : verdict;

const LABEL_COLUMNS = 28;

/** A fixed-width row of the table of verdicts. */
export function row(scenario: Scenario, variant: Variant, result: Row): string {
  const { cell } = result;
  const verdict =
    result.verdict === 'violation' ? `FAIL ${result.counterexample?.violation.check ?? ''}` : verdictWord(result).toUpperCase();
  // A sample that finds nothing contradicts nothing.
  const mark = result.asRecorded || (result.verdict === 'ok' && result.coverage.kind === 'sampled') ? ' ' : '!';
  const label = `${scenario.alias ?? scenario.name} ${variant.name}`;
  // What is too long for its column has a line of its own.
  const first = label.length > LABEL_COLUMNS ? `${label}\n${' '.repeat(LABEL_COLUMNS + 2)}` : label.padEnd(LABEL_COLUMNS);
  return `${mark} ${first} ${String(cell.victims).padStart(1)} ${cell.fetch.padEnd(9)} ${cell.memory.padEnd(3)} ${verdict.padEnd(14)} ${shortCoverage(result.coverage).padEnd(10)} ${groupDigits(result.counts.states).padStart(7)}`;
}

/** The columns of `row`. */
export const ROW_HEAD = `  ${'scenario variant'.padEnd(LABEL_COLUMNS)} V ${'fetch'.padEnd(9)} ${'mem'.padEnd(3)} ${'verdict'.padEnd(14)} ${'coverage'.padEnd(10)} ${'states'.padStart(7)}`;
