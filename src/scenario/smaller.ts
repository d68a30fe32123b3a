import type { Budget } from '../explore/result.ts';
import type { CellResult, CellRunner } from './matrix.ts';
import { fewestVictims } from './scenario.ts';

/** Transitions that a search with fewer victims may take: it is a convenience, not the answer. */
const SMALLER_STEPS = 200_000;

/** The same violation with fewer cores. */
export interface Smaller {
  readonly victims: number;
  /** Replays the shortest run to it there. */
  readonly token: string;
}

/**
 * Whether the violation of a cell, the same check broken the same way, is there with fewer victims too: the fewest, by searches of their own. Undefined when
 * it takes all of them, or where such a search takes too long to tell.
 */
export function smaller(runner: CellRunner, { scenario, variant, cell, counterexample }: CellResult, budget?: Budget): Smaller | undefined {
  if (counterexample === undefined) return undefined;
  const { check, cause } = counterexample.violation;
  const prefer = cause === undefined ? { check } : { check, cause };
  for (let victims = fewestVictims(scenario); victims < cell.victims; victims++) {
    const result = runner.run(scenario, variant, { ...cell, victims }, { prefer, budget: { ...budget, maxSteps: SMALLER_STEPS } });
    const found = result.counterexample?.violation;
    if (found?.check === check && found.cause === cause && result.token !== undefined) return { victims, token: result.token };
  }
  return undefined;
}
