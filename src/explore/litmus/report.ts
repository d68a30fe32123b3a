import { formulaText, locationText } from './condition.ts';
import type { PolicyComparison } from './policies.ts';
import type { LitmusResult } from './run.ts';
import type { Location } from './syntax.ts';

/** `Never`, `Sometimes` or `Always`: whether final states have the property of the condition. */
export function observation(result: LitmusResult): 'Never' | 'Sometimes' | 'Always' {
  if (result.positive === 0) return 'Never';
  return result.negative === 0 ? 'Always' : 'Sometimes';
}

const KINDS = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' } as const;

/** As herd7 says that a test does what its model leaves undefined, one line each. */
const flagsOf = (result: LitmusResult): string[] => [
  ...(result.codeRace ? ['Flag code-race'] : []),
  // No final state: the word is ours, herd7 unrolls loops.
  ...(result.endless ? ['Flag endless'] : []),
];

/** Why there may be more final states than were found; nothing where there are none. */
const lackOf = ({ stopped, bounds }: LitmusResult): string[] => [...(stopped === undefined ? [] : [stopped]), ...bounds];

/** A final state, as herd7 prints it. */
export const stateText = (locations: readonly Location[], values: readonly bigint[]): string =>
  values.map((value, n) => `${locationText(locations[n] as Location)}=${value};`).join(' ');

/** What herd7 prints of a test: the states, whether the condition is met, and the line that scripts look at. */
export function litmusReport(result: LitmusResult): string {
  const { test, positive, negative } = result;
  const { quantifier, formula } = test.condition;
  const kind = KINDS[quantifier];
  const ok = quantifier === 'exists' ? positive > 0 : quantifier === '~exists' ? positive === 0 : negative === 0;
  // herd7 counts as witnesses of ~exists the states that contradict the formula.
  const [yes, no] = quantifier === '~exists' ? [negative, positive] : [positive, negative];
  return [
    `Test ${test.name} ${kind}`,
    `States ${result.states.length}`,
    ...result.states.map((state) => stateText(result.locations, state)),
    ok ? 'Ok' : 'No',
    'Witnesses',
    `Positive: ${yes} Negative: ${no}`,
    ...flagsOf(result),
    `Condition ${quantifier} (${formulaText(formula)})`,
    `Observation ${test.name} ${observation(result)} ${positive} ${negative}`,
    ...lackOf(result).map((why) => `Incomplete: ${why}`),
    '',
  ].join('\n');
}

/** A test under every policy: each state with the policies that allow it, then the line that scripts look at, one a policy. */
export function comparisonReport({ test, locations, states, results }: PolicyComparison): string {
  const { quantifier, formula } = test.condition;
  const texts = states.map(({ values }) => stateText(locations, values));
  const width = Math.max(0, ...texts.map((text) => text.length));
  return [
    `Test ${test.name} ${KINDS[quantifier]}`,
    `States ${states.length}`,
    ...states.map(({ policies }, n) => `${(texts[n] as string).padEnd(width)}  ${policies.join(' ')}`),
    `Condition ${quantifier} (${formulaText(formula)})`,
    ...[...results].map(([fetch, result]) =>
      [`Observation ${test.name}@${fetch} ${observation(result)} ${result.positive} ${result.negative}`, ...flagsOf(result)].join(' '),
    ),
    ...[...results].flatMap(([fetch, result]) => lackOf(result).map((why) => `Incomplete@${fetch}: ${why}`)),
    '',
  ].join('\n');
}
