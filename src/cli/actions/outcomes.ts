import { wrap } from '../../debug/wrap.ts';
import { Exit } from '../../error.ts';
import { type Outcome, type Outcomes, outcomesOf } from '../../explore/outcomes.ts';
import type { CellRunner } from '../../scenario/matrix.ts';
import type { Cell, Scenario, Variant } from '../../scenario/scenario.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { lengthFields, sayLength } from '../length.ts';
import { observations, sayOutcome, type ToldOutcome, wordsOf } from '../outcome-report.ts';
import { groupDigits, progressLine } from '../progress.ts';
import { headline, LIMITS, part, sayCell, wrapped } from '../report.ts';
import { searchSettings } from '../search-options.ts';

/** What is asked about one variant of a scenario. */
export interface Asked {
  readonly runner: CellRunner;
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
  /** What a printed command line needs to know the scenario. */
  readonly flags: string;
}

/** Prints every way in which runs of a variant end, with the shortest run to each. 1 when one of them is a violation. */
export function outcomesAction(asked: Asked, options: SharedFlags, io: Io): number {
  const { runner, scenario, variant, cell } = asked;
  const progress = progressLine(io, options);
  const { budget } = searchSettings(options, io, progress, variant.name);
  const make = runner.maker(scenario, variant.name, cell);
  const learned = runner.learned(scenario, variant.name, cell);
  const found = outcomesOf(make, learned, budget);
  progress.clear();
  const world = make();
  const told = wordsOf(found, world);
  world.release();
  const token = (outcome: Outcome): string =>
    runner.token(scenario, variant, cell, { knowledge: found.knowledge, learned }, outcome.answers) ?? '';
  if (options.json) tellEvents(asked, found, told, token, io);
  else io.stdout(tellText(asked, found, told, token));
  if (io.interrupted()) return Exit.interrupted;
  if (found.endless !== undefined || found.outcomes.some((o) => o.violation !== undefined)) return Exit.violation;
  return found.stopped === undefined && found.bounds.length === 0 ? Exit.ok : Exit.inconclusive;
}

const runsOf = ({ outcomes }: Outcomes): bigint => outcomes.reduce((n, o) => n + (o.interleavings ?? 0n), 0n);

function tellText(
  { scenario, variant, cell, flags }: Asked,
  found: Outcomes,
  told: readonly ToldOutcome[],
  token: (o: Outcome) => string,
): string {
  const all = runsOf(found);
  const of = found.notCounted === undefined ? `, of ${groupDigits(all)} interleavings` : '';
  const incomplete = [...(found.stopped === undefined ? [] : [found.stopped]), ...found.bounds];
  const blocks = found.outcomes.map((o, n) => {
    const share = o.interleavings === undefined ? '' : `${groupDigits(o.interleavings)} interleavings (${part(o.interleavings, all)}), `;
    const length = sayLength({ ...o.length, shortest: true });
    return [...sayOutcome(o, told[n]!).map(headline), ...wrap(share + length, 77, 0).map((line) => `  ${line}`), `  ${token(o)}`, ''];
  });
  const lines = [
    headline(`${scenario.name} ${variant.name}: ${variant.title}`),
    sayCell(cell),
    '',
    `outcomes ${groupDigits(found.outcomes.length)}${of}`,
    ...(found.notCounted === undefined ? [] : [wrapped(`count    not counted: ${found.notCounted}`)]),
    wrapped(
      incomplete.length === 0
        ? `coverage exhaustive: ${groupDigits(found.counts.states)} states, what was seen being part of them`
        : `coverage incomplete (${incomplete.join(', ')}): ${groupDigits(found.counts.states)} states`,
    ),
    '',
    ...blocks.flat(),
    ...(found.endless === undefined ? [] : [wrapped(`FAIL no progress (I13): ${found.endless.message}`), '']),
    ...observations(found).map((o) => `Observation ${o.check} ${o.answer} ${o.positive} ${o.negative}`),
    `replay   textpoke replay TOKEN${flags}`,
    `limits   ${LIMITS}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Numbers of interleavings have any size: decimal digits in strings. */
function tellEvents(
  { scenario, variant, cell }: Asked,
  found: Outcomes,
  told: readonly ToldOutcome[],
  token: (o: Outcome) => string,
  io: Io,
): void {
  found.outcomes.forEach((o, n) => {
    emitEvent(io, 'outcome', {
      violation:
        o.violation === undefined ? null : { check: o.violation.check, cause: o.violation.cause ?? null, message: o.violation.message },
      cores: told[n]!.cores,
      values: Object.fromEntries(told[n]!.values.map(({ name, value }) => [name, value])),
      interleavings: o.interleavings === undefined ? null : `${o.interleavings}`,
      length: lengthFields({ ...o.length, shortest: true }),
      token: token(o),
    });
  });
  emitEvent(io, 'outcomes', {
    scenario: scenario.name,
    variant: variant.name,
    ...cell,
    outcomes: found.outcomes.length,
    interleavings: found.notCounted === undefined ? `${runsOf(found)}` : null,
    ...(found.notCounted === undefined ? {} : { notCounted: found.notCounted }),
    observations: observations(found).map((o) => ({ ...o, positive: `${o.positive}`, negative: `${o.negative}` })),
    endless: found.endless?.message ?? null,
    complete: found.stopped === undefined && found.bounds.length === 0,
    states: found.counts.states,
    ...(found.stopped === undefined ? {} : { stopped: found.stopped }),
  });
}
