import { formulaText } from './condition.ts';
import type { LitmusResult } from './run.ts';
import type { Location } from './syntax.ts';

export const locationText = (location: Location): string =>
  location.kind === 'register'
    ? `${location.thread}:${location.register}`
    : location.index > 0
      ? `${location.name}[${location.index}]`
      : `[${location.name}]`;

/** `Never`, `Sometimes` or `Always`: whether final states have the property of the condition. */
export function observation(result: LitmusResult): 'Never' | 'Sometimes' | 'Always' {
  if (result.positive === 0) return 'Never';
  return result.negative === 0 ? 'Always' : 'Sometimes';
}

/** What herd7 prints of a test: the states, whether the condition is met, and the line that scripts look at. */
export function litmusReport(result: LitmusResult): string {
  const { test, positive, negative } = result;
  const { quantifier, formula } = test.condition;
  const kind = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' }[quantifier];
  const ok = quantifier === 'exists' ? positive > 0 : quantifier === '~exists' ? positive === 0 : negative === 0;
  // herd7 counts as witnesses of ~exists the states that contradict the formula.
  const [yes, no] = quantifier === '~exists' ? [negative, positive] : [positive, negative];
  return [
    `Test ${test.name} ${kind}`,
    `States ${result.states.length}`,
    ...result.states.map((state) => state.map((value, n) => `${locationText(result.locations[n] as Location)}=${value};`).join(' ')),
    ok ? 'Ok' : 'No',
    'Witnesses',
    `Positive: ${yes} Negative: ${no}`,
    `Condition ${quantifier} (${formulaText(formula)})`,
    `Observation ${test.name} ${observation(result)} ${positive} ${negative}`,
    '',
  ].join('\n');
}
