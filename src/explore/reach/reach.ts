import { type Exploration, type ExploreOptions, explore } from '../explore.ts';
import type { Knowledge } from '../knowledge.ts';
import type { World } from '../world.ts';
import { REACHED, ReachChecker } from './checker.ts';
import { coresOf, quadwordsOf } from './expression.ts';
import { parseReach } from './parse.ts';

/** Whether some order gets somewhere. */
export interface Reach {
  /** Undefined when not every order was looked at and none of those that were gets there. */
  readonly reached: boolean | undefined;
  /** Its counterexample is the way there, where there is one. */
  readonly search: Exploration;
  /** Makes worlds in which a run ends where it gets there; not begun. */
  readonly make: () => World;
  /** Bounds of the machine that some run reached: behind them it may be reached. */
  readonly bounds: readonly string[];
}

/** Searches that look at every order. */
const EXHAUSTIVE: readonly (ExploreOptions['search'] | undefined)[] = [undefined, 'stateful', 'twin'];

/**
 * Asks whether some order makes an expression (`parseReach`) true: of a state between two transitions, or at an event in one. Each access to a variable that
 * it names is a transition of its own, so that no value of it goes by unseen. A run that breaks something ends there.
 */
export function reach(make: () => World, text: string, known: Knowledge, settings: Omit<ExploreOptions, 'learned' | 'prefer'> = {}): Reach {
  const one = make();
  const expression = parseReach(text, one);
  const knowledge = known.clone();
  knowledge.add({ visible: quadwordsOf(expression, one), text: [] });
  one.release();
  let last: World | undefined;
  const watching = (): World => {
    last = make();
    last.checkers.push(new ReachChecker(expression, text));
    // Whether what a scenario is about happens is not asked here.
    last.wantedWitnesses = [];
    return last;
  };
  const search = explore(watching, {
    ...settings,
    // Cores that are named are not interchangeable.
    ...(coresOf(expression).length > 0 ? { symmetry: false } : {}),
    prefer: { check: REACHED },
    learned: knowledge,
  });
  const bounds = last?.bounds() ?? [];
  const there = search.counterexample?.violation.check === REACHED;
  const all = EXHAUSTIVE.includes(settings.search) && search.stopped === undefined && bounds.length === 0;
  return { reached: there ? true : all ? false : undefined, search, make: watching, bounds };
}
