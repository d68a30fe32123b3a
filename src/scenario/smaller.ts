import type { Budget, Counterexample } from '../explore/result.ts';
import { reproduces } from '../explore/shrink.ts';
import { decodeToken } from '../explore/token.ts';
import { type CellResult, type CellRunner, cellName } from './matrix.ts';
import { type Cell, fewestVictims, plainCell, type Scenario, type Variant } from './scenario.ts';
import { SIZE_NAMES, type Size, type SizeName, shownSize } from './sizes.ts';

/** Transitions that a search of a smaller cell may take: it is a convenience, not the answer. */
const SMALLER_STEPS = 200_000;

/** The same violation with fewer victims, sites or calls. */
export interface Smaller {
  /** Victims, and the sizes that the variant has a choice of. */
  readonly size: Size & { readonly victims: number };
  /** Replays the shortest run to it there. */
  readonly token: string;
}

/** What is made smaller, in this order. */
const WHAT = ['victims', ...SIZE_NAMES] as const;

/**
 * Whether the violation of a cell, the same check broken the same way, is there with fewer victims, then with fewer sites, then with fewer calls; over and
 * over, until nothing gets smaller. Each step is a search of its own, and its token is replayed. Undefined when it takes all of them, or where the searches
 * take too long to tell.
 */
export function smaller(runner: CellRunner, result: CellResult, budget?: Budget): Smaller | undefined {
  const { scenario, variant, cell, counterexample } = result;
  if (counterexample === undefined) return undefined;
  const sizes = scenario.sizes(variant.name);
  const looked = new Set<string>();
  let at = cell;
  let token: string | undefined;
  const step = (what: SizeName | 'victims'): boolean => {
    const fewest = what === 'victims' ? fewestVictims(scenario) : sizes[what]?.fewest;
    const now = what === 'victims' ? at.victims : shownSize(sizes, at)[what];
    for (let n = fewest ?? 1; n < (now ?? 0); n++) {
      const less = plainCell(scenario, variant.name, { ...at, [what]: n });
      const name = cellName(scenario, variant.name, less);
      if (looked.has(name)) continue;
      looked.add(name);
      const found = tokenIn(runner, scenario, variant, less, counterexample, budget);
      if (found === undefined) continue;
      at = less;
      token = found;
      return true;
    }
    return false;
  };
  while (WHAT.map(step).some((shrank) => shrank));
  return token === undefined ? undefined : { size: { victims: at.victims, ...shownSize(sizes, at) }, token };
}

/** The token of a violation of the same kind in another cell. */
function tokenIn(
  runner: CellRunner,
  scenario: Scenario,
  variant: Variant,
  cell: Cell,
  { violation: { check, cause } }: Counterexample,
  budget: Budget | undefined,
): string | undefined {
  const prefer = cause === undefined ? { check } : { check, cause };
  const { counterexample, token } = runner.run(scenario, variant, cell, {
    prefer,
    budget: { ...budget, maxSteps: Math.min(budget?.maxSteps ?? SMALLER_STEPS, SMALLER_STEPS) },
  });
  if (counterexample === undefined || token === undefined) return undefined;
  const { violation } = counterexample;
  if (violation.check !== check || violation.cause !== cause) return undefined;
  // A livelock's run leads into a circle and ends in none.
  return cause === 'livelock' || replays(runner, scenario, variant, cell, { violation, token }) ? token : undefined;
}

/** Whether the token alone leads there, in a world that has just begun. */
function replays(
  runner: CellRunner,
  scenario: Scenario,
  variant: Variant,
  cell: Cell,
  { violation, token }: Pick<Counterexample, 'violation'> & { readonly token: string },
): boolean {
  const content = decodeToken(token);
  const knowledge = runner.learned(scenario, variant.name, cell).clone();
  knowledge.add(content);
  const world = runner.maker(scenario, variant.name, cell)();
  world.begin(knowledge);
  const holds = reproduces(world, { violation, answers: content.answers });
  world.release();
  return holds;
}
