import { type Move, Moves } from '../../../src/explore/dpor/agents.ts';
import { eventOf, races } from '../../../src/explore/dpor/happens-before.ts';
import type { StateVector, Transition, TransitionSystem } from '../../../src/explore/table/system.ts';
import { vectorKey } from '../../../src/explore/vector.ts';
import { reachableStates } from '../reachable.ts';

const outcomes = (move: Move): string =>
  `${move.reads} | ${[...move.steps, ...move.violating].map((t) => `${t.detail} ${t.writes}`).join(', ')}`;

/**
 * What is wrong with the places that a system's transitions say they read and write: two that look independent must commute, and each must leave the
 * other one's move as it is. In every reachable state, for each transition and each move of another agent. Pairs that were looked at count in `pairs`.
 */
export function brokenDiamonds(system: TransitionSystem, maxSteps: number): { broken: string[]; pairs: number } {
  const everybody = new Moves(system);
  const movesIn = (state: StateVector): readonly Move[] => everybody.in(state, system.next(state));
  const broken: string[] = [];
  let pairs = 0;
  const same = (move: Move, after: StateVector): Move | undefined => {
    const other = movesIn(after).find((m) => m.agent === move.agent);
    return other !== undefined && outcomes(other) === outcomes(move) ? other : undefined;
  };
  for (const state of reachableStates(system, { maxSteps }).states.values()) {
    for (const move of movesIn(state)) {
      for (const step of move.steps) {
        const after = system.after(state, step);
        for (const other of movesIn(state)) {
          if (other.agent === move.agent || races(eventOf(move, step), other)) continue;
          pairs++;
          const name = (): string => `${vectorKey(state)}: agents ${move.agent} (${step.detail}) and ${other.agent}`;
          const kept = same(other, after);
          if (kept === undefined) broken.push(`${name()}: the second one's move is another one behind the first`);
          else
            for (const [n, second] of other.steps.entries())
              if (!commute(state, step, second, after, kept.steps[n]!)) broken.push(`${name()}: the order makes a difference`);
        }
      }
    }
  }
  return { broken, pairs };

  function commute(state: StateVector, first: Transition, second: Transition, after: StateVector, kept: Transition): boolean {
    const one = vectorKey(system.after(after, kept));
    const between = system.after(state, second);
    const again = system.next(between).find((t) => t.core === first.core && t.kind === first.kind && t.detail === first.detail);
    return again !== undefined && vectorKey(system.after(between, again)) === one;
  }
}
