import { raceDiagram } from '../debug/diagram.ts';
import type { Happening, Trace } from '../debug/happening.ts';
import { hexBytes } from '../debug/names.ts';
import { TextpokeError } from '../error.ts';
import type { CheckId } from '../explore/violation.ts';
import type { MatcherState, SyncExpectationResult } from './expectation.ts';

/** A run: what `replay` gives. */
export type Run = Trace | { readonly trace: Trace };

/** Where in a run. */
export interface Place {
  readonly cpu?: number;
  /** The step, as `@18` in the diagram. */
  readonly at?: number;
}

export const traceOf = (run: Run): Trace => ('trace' in run ? run.trace : run);

/** Everything of one kind in a run, with its step; what the end of the run says has none. */
function moments(trace: Trace): { at: number | undefined; h: Happening }[] {
  return [
    ...trace.steps.flatMap((step) => step.happened.map((h) => ({ at: step.at, h }))),
    ...trace.end.map((h) => ({ at: undefined, h })),
  ];
}

function expectMoment(
  state: MatcherState,
  run: Run,
  wanted: string,
  place: Place,
  name: (h: Happening) => string | undefined,
): SyncExpectationResult {
  const trace = traceOf(run);
  const said = moments(trace).flatMap(({ at, h }) => {
    const what = name(h);
    return what === undefined ? [] : [{ what, at, cpu: h.core }];
  });
  const pass = said.some((s) => s.what === wanted && (place.cpu ?? s.cpu) === s.cpu && (place.at ?? s.at) === s.at);
  const where = `${place.cpu === undefined ? '' : ` on CPU${place.cpu}`}${place.at === undefined ? '' : ` @${place.at}`}`;
  const list = said.map((s) => `${s.what} on CPU${s.cpu}${s.at === undefined ? ' at the end' : ` @${s.at}`}`);
  return {
    pass,
    message: () =>
      `expected ${state.isNot ? 'no ' : ''}${wanted}${where}\nthe run has ${list.length === 0 ? 'none' : list.join(', ')}\n\n${raceDiagram(trace)}`.trimEnd(),
  };
}

/** The run delivers this exception (`#PF`, `#BP`, `NMI`). */
export function toFaultWith(this: MatcherState, received: Run, exception: string, place: Place = {}): SyncExpectationResult {
  return expectMoment(this, received, exception, place, (h) => (h.what === 'exception' ? h.name : undefined));
}

/** The run violates this check. */
export function toViolate(this: MatcherState, received: Run, check: CheckId, place: Place = {}): SyncExpectationResult {
  return expectMoment(this, received, check, place, (h) => (h.what === 'violation' ? h.check : undefined));
}

/** These bytes, written as hex digits with or without blanks. */
export function toEqualBytes(this: MatcherState, received: Iterable<number>, hex: string): SyncExpectationResult {
  const digits = hex.replace(/\s/g, '').toLowerCase();
  if (!/^([0-9a-f]{2})*$/.test(digits))
    throw new TextpokeError('E_USAGE', `'${hex}' are no hex digits of whole bytes`, { hint: "'0f 1f 44 00 00'" });
  const [found, wanted] = [hexBytes(received), (digits.match(/../g) ?? []).join(' ')];
  return { pass: found === wanted, message: () => `expected bytes ${this.isNot ? 'other than ' : ''}${wanted}\nfound          ${found}` };
}
