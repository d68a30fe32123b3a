import { raceDiagram } from '../../debug/diagram.ts';
import { recordTrace } from '../../debug/trace.ts';
import { Exit } from '../../error.ts';
import type { ExploreOptions as SearchSettings } from '../../explore/explore.ts';
import { type Reach, reach } from '../../explore/reach/reach.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { lengthFields, sayLength } from '../length.ts';
import { groupDigits, progressLine } from '../progress.ts';
import { headline, LIMITS, sayCell, wrapped } from '../report.ts';
import { searchSettings } from '../search-options.ts';
import type { Asked } from './outcomes.ts';

/** Prints whether some order gets there, and the way. 0 when one does, 1 when none does, 125 when that is not settled. */
export function reachAction(asked: Asked, text: string, options: SharedFlags, more: Partial<SearchSettings>, io: Io): number {
  const { runner, scenario, variant, cell } = asked;
  const progress = progressLine(io, options);
  const settings = { ...searchSettings(options, io, progress, variant.name), ...more };
  const learned = runner.learned(scenario, variant.name, cell);
  const found = reach(runner.maker(scenario, variant.name, cell), text, learned, settings);
  progress.clear();
  const answers = found.reached === true ? found.search.counterexample?.answers : undefined;
  const token = runner.token(scenario, variant, cell, { knowledge: found.search.knowledge, learned }, answers);
  if (options.json) tellEvent(asked, text, found, token, io);
  else io.stdout(tellText(asked, text, found, token));
  if (io.interrupted()) return Exit.interrupted;
  return found.reached === undefined ? Exit.inconclusive : found.reached ? Exit.ok : Exit.violation;
}

function tellText({ scenario, variant, cell, flags }: Asked, text: string, found: Reach, token: string | undefined): string {
  const { search, reached } = found;
  const { counterexample, counts } = search;
  const size = `${groupDigits(counts.states)} states, ${groupDigits(counts.transitions)} transitions`;
  const why = [...(search.stopped === undefined ? [] : [search.stopped]), ...found.bounds];
  const open = why.length > 0 ? why.join(', ') : 'not every order was tried';
  const other = reached === true ? undefined : counterexample?.violation;
  const lines = [
    headline(`${scenario.name} ${variant.name}: ${variant.title}`),
    sayCell(cell),
    '',
    wrapped(reached === undefined ? `INCONCLUSIVE ${open}: not reached so far: ${text}` : `${reached ? '' : 'NOT '}REACHED ${text}`),
    wrapped(
      `coverage ${reached === true ? `stopped at the first order that gets there: ${size}` : reached === false ? `exhaustive: ${size}` : `incomplete: ${size}`}`,
    ),
    ...(reached !== true || counterexample?.length === undefined ? [] : [wrapped(sayLength(counterexample.length))]),
    ...(other === undefined ? [] : [wrapped(`note     runs end where they break something: ${other.check}: ${other.message}`)]),
    `limits   ${LIMITS}`,
  ];
  return `${lines.join('\n')}\n${reached === true && counterexample !== undefined ? showWay(found, token, flags) : ''}`;
}

/** The diagram of the way, and the token. */
function showWay({ make, search }: Reach, token: string | undefined, flags: string): string {
  const { counterexample, knowledge } = search;
  if (counterexample === undefined) return '';
  if (token === undefined) return '\nIt is so before the first step.\n';
  const world = make();
  world.begin(knowledge);
  const diagram = raceDiagram(recordTrace(world, counterexample.answers, counterexample.violation));
  world.release();
  return `\n${diagram}\nreplay   textpoke replay ${token}${flags}\n`;
}

function tellEvent({ scenario, variant, cell }: Asked, expression: string, found: Reach, token: string | undefined, io: Io): void {
  const { search, reached } = found;
  const { counterexample, counts } = search;
  emitEvent(io, 'reach', {
    scenario: scenario.name,
    variant: variant.name,
    ...cell,
    expression,
    reached: reached ?? null,
    token: token ?? null,
    ...(reached !== true || counterexample?.length === undefined ? {} : { length: lengthFields(counterexample.length) }),
    states: counts.states,
    transitions: counts.transitions,
    ...(search.stopped === undefined ? {} : { stopped: search.stopped }),
    ...(found.bounds.length === 0 ? {} : { bounds: found.bounds }),
  });
}
