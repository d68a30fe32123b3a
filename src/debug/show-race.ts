import type { World } from '../explore/world.ts';
import type { FetchPolicyName } from '../machine/policy/policy.ts';
import type { CellResult, CellRunner } from '../scenario/matrix.ts';
import { raceDiagram } from './diagram.ts';
import { recordTrace } from './trace.ts';
import { explainWhy, type VerdictUnder } from './why.ts';

/** What a race is shown from: a search's result, or as much as a token says. */
export type Race = Pick<CellResult, 'scenario' | 'variant' | 'cell' | 'counterexample' | 'knowledge' | 'token'>;

/** The race of a result as people paste it: diagram, why, and how to see it again; `flags` come behind the token. */
export function showRace(runner: CellRunner, result: Race, flags = ''): string {
  const { counterexample } = result;
  if (counterexample === undefined || result.token === undefined) return '';
  const fresh = (): World => {
    const world = runner.maker(result.scenario, result.variant.name, result.cell)();
    world.begin(result.knowledge);
    return world;
  };
  const diagram = raceDiagram(recordTrace(fresh(), counterexample.answers));
  const under: VerdictUnder = (memory, fetch) => {
    const other = runner.run(
      result.scenario,
      result.variant,
      { ...result.cell, memory, fetch: fetch as FetchPolicyName },
      { shrink: false },
    );
    return { verdict: other.verdict, check: other.counterexample?.violation.check };
  };
  const why = explainWhy(fresh, counterexample.answers, counterexample.violation, under);
  return `${diagram}\n${why.text}replay   textpoke replay ${result.token}${flags}\n`;
}
