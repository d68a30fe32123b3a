import { columns, raceDiagram } from './diagram.ts';
import { curveLines } from './futures.ts';
import type { Why } from './why.ts';
import { wrap } from './wrap.ts';

const WIDTH = 75;
/** Lines of each of the two continuations. */
const LINES = 8;

/** Everything that is known about a reason, behind `Why.text`: each order, when it was too late, and the nearest run that passes. `curve`: also the share of paths that break, step by step. */
export function tellWhy(why: Why, curve: boolean): string {
  const parts = [orders(why), late(why), passes(why), curve ? paths(why) : []];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.map((line) => line.trimEnd()).join('\n')}\n`)
    .join('');
}

/** Text behind a word in the margin. */
function labelled(label: string, text: string): string[] {
  return wrap(text, WIDTH - 8, 0).map((line, n) => (n === 0 ? label : '').padEnd(8) + line);
}

function orders(why: Why): string[] {
  const { essential, explanation } = why;
  if (explanation === undefined) return labelled('orders', 'found by replays: the graph of all runs is too large');
  const graph = `by the graph of all runs, ${explanation.states} states`;
  if (essential.length === 0) return labelled('orders', `no order of two CPUs decides: ${graph}`);
  const head = essential.length === 1 ? 'one order of two CPUs decides' : `${essential.length} orders of two CPUs decide, each of them`;
  return [
    ...labelled('orders', `${head}: ${graph}`),
    ...why.each.flatMap((text) => wrap(`- ${text}`, WIDTH - 8, 2).map((l) => ' '.repeat(8) + l)),
  ];
}

function late({ inevitable, explanation }: Why): string[] {
  if (inevitable === undefined) return [];
  const curve = explanation?.inevitable === undefined ? undefined : explanation.curve();
  const before = curve?.[explanation?.inevitable ?? -1];
  const share =
    before === undefined || before.all === before.violating ? '' : `; before it ${before.violating} of ${before.all} paths break`;
  return labelled('late', inevitable + share);
}

/** What the run and the nearest one that passes have in common, and how each of them goes on. */
function passes({ explanation, passing, trace }: Why): string[] {
  const shared = explanation?.passing?.shared;
  if (passing === undefined || shared === undefined || passing.violations.length > 0) return [];
  const cores = columns(trace);
  const rest = (of: typeof trace): string[] => raceDiagram(of, { from: shared, cores, lines: LINES }).trimEnd().split('\n');
  const common = shared === 0 ? 'no step in common' : `the same up to @${shared - 1}`;
  return [
    ...labelled('passes', `the nearest run that passes: ${common}, then`),
    ...rest(passing),
    ...labelled('', 'instead of'),
    ...rest(trace),
  ];
}

function paths({ explanation, trace }: Why): string[] {
  if (explanation === undefined) return [];
  const curve = explanation.curve();
  if (curve === undefined) return labelled('paths', 'not counted: cores go in circles together, or for ever');
  return [...labelled('paths', 'which part of the paths that go on from there breaks:'), ...curveLines(trace, curve)];
}
