/** What a sample that found nothing says of bugs of a depth: the most that the chance to have missed one can be. */
export interface MissBound {
  /** Orderings that have to come out right for the bug to show. */
  readonly depth: number;
  /** Schedules with the guarantee: PCT of that depth, over all k events, that fetched nothing stale. */
  readonly schedules: number;
  /** n: agents. */
  readonly agents: number;
  /** k: events. */
  readonly events: number;
  /** At most this probability. */
  readonly missed: number;
}

/**
 * (1 - 1/(n k^(d-1)))^N: each schedule of PCT finds a bug of depth d, in runs of n agents and at most k events, with a probability of
 * at least 1/(n k^(d-1)) (theorem 9 there), and schedules are drawn independently.
 */
export function missBound(depth: number, schedules: number, agents: number, events: number): MissBound {
  const one = 1 / (agents * events ** (depth - 1));
  return { depth, schedules, agents, events, missed: Math.exp(schedules * Math.log1p(-one)) };
}
