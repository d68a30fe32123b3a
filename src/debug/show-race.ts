import type { Knowledge } from '../explore/knowledge.ts';
import type { Counterexample } from '../explore/result.ts';
import type { World } from '../explore/world.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import type { CellResult, CellRunner } from '../scenario/matrix.ts';
import { raceDiagram } from './diagram.ts';
import { recordTrace } from './trace.ts';
import { explainWhy, type VerdictUnder } from './why.ts';

/** What a race is shown from: a search's result, or as much as a token says. */
export type Race = Pick<CellResult, 'scenario' | 'variant' | 'cell' | 'counterexample' | 'knowledge' | 'token'>;

/** The race of a result as people paste it: diagram, why, and how to see it again; `flags` come behind the token. */
export function showRace(runner: CellRunner, result: Race, flags = ''): string {
  const { counterexample, knowledge, scenario, variant, cell } = result;
  if (counterexample === undefined || result.token === undefined) return '';
  const told = tellRace(runner.maker(scenario, variant.name, cell), knowledge, counterexample, verdictUnder(runner, result));
  return `${told}replay   textpoke replay ${result.token}${flags}\n`;
}

/** Diagram and reason of a counterexample in the worlds of `make`. */
export function tellRace(make: () => World, knowledge: Knowledge, counterexample: Counterexample, under?: VerdictUnder): string {
  const fresh = (): World => {
    const world = make();
    world.begin(knowledge);
    return world;
  };
  const diagram = raceDiagram(recordTrace(fresh(), counterexample.answers, counterexample.violation));
  return `${diagram}\n${explainWhy(fresh, counterexample.answers, counterexample.violation, under).text}`;
}

/** What other models find in the same variant, by exploring it. */
export function verdictUnder(runner: CellRunner, { scenario, variant, cell }: Pick<Race, 'scenario' | 'variant' | 'cell'>): VerdictUnder {
  return (memory, fetch) => {
    const other = runner.run(scenario, variant, { ...cell, memory, fetch: fetch as AnyFetchPolicyName }, { shrink: false });
    return { verdict: other.verdict, check: other.counterexample?.violation.check };
  };
}
