import type { Violation } from './violation.ts';

/** What a search found that did not end at its first violation. Answers lead there, where the search knows them. */
export interface Findings {
  readonly violations: readonly { readonly violation: Violation; readonly answers: readonly number[] | undefined }[];
  /** States in which nothing could happen any more, by a name that both searches give the same state. */
  readonly ends: ReadonlyMap<string, readonly number[] | undefined>;
  /** Nothing was left out: what is not here is nowhere. */
  readonly complete: boolean;
}

/** Something that only one of two searches found. */
export interface Disagreement {
  readonly by: 'search over states' | 'search over orders';
  readonly violation: Violation | undefined;
  /** The end state, when it is not a violation. */
  readonly end: string | undefined;
  readonly answers: readonly number[] | undefined;
}

const nameOf = ({ check, cause }: Violation): string => (cause === undefined ? check : `${check} ${cause}`);
const isLivelock = (v: Violation): boolean => v.cause === 'livelock';

/**
 * Where the search over states and its twin over orders (dpor/search.ts) disagree: about violations, by check and cause, or about ends. Of a livelock the
 * twin sees only one in which nobody does anything but look, and the search over states looks for one only where it found nothing else.
 */
export function disagreements(states: Findings, orders: Findings): Disagreement[] {
  const out: Disagreement[] = [];
  const violations = (by: Disagreement['by'], mine: Findings, others: Findings): void => {
    if (!others.complete) return;
    const known = new Set(others.violations.map((v) => nameOf(v.violation)));
    for (const { violation, answers } of mine.violations) {
      if (known.has(nameOf(violation))) continue;
      if (isLivelock(violation) && (mine === states || others.violations.length > 0)) continue;
      out.push({ by, violation, end: undefined, answers });
    }
  };
  const ends = (by: Disagreement['by'], mine: Findings, others: Findings): void => {
    if (others.complete)
      for (const [end, answers] of mine.ends) if (!others.ends.has(end)) out.push({ by, violation: undefined, end, answers });
  };
  violations('search over states', states, orders);
  violations('search over orders', orders, states);
  ends('search over states', states, orders);
  ends('search over orders', orders, states);
  return out;
}

/** The disagreement in one sentence. `token` replays it, where there is one. */
export function sentenceOf({ by, violation, end }: Disagreement, token: string | undefined): string {
  const what = violation === undefined ? `the end ${token === undefined ? end : `of ${token}`}` : nameOf(violation);
  const where = violation === undefined || token === undefined ? '' : ` (${token})`;
  return `only the ${by} found ${what}${where}`;
}
