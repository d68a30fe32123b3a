import type { Knowledge } from '../explore/knowledge.ts';
import type { Counterexample } from '../explore/result.ts';
import type { World } from '../explore/world.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import type { CellResult, CellRunner } from '../scenario/matrix.ts';
import { raceDiagram } from './diagram.ts';
import type { VerdictUnder } from './needs.ts';
import { holdingSiblings, saySiblings } from './siblings.ts';
import { tellWhy } from './tell-why.ts';
import { explainWhy, type Why, type WhyOptions } from './why.ts';

/** Most edges of the graph of all runs where everything is asked for. */
const MANY_EDGES = 2_000_000;

/** What a race is shown from: a search's result, or as much as a token says. */
export type Race = Pick<CellResult, 'scenario' | 'variant' | 'cell' | 'counterexample' | 'knowledge' | 'token'>;

/** The race of a result as people paste it: diagram, why, and how to see it again; `flags` come behind the token. */
export function showRace(runner: CellRunner, result: Race, flags = ''): string {
  const { counterexample, token } = result;
  if (counterexample === undefined || token === undefined) return '';
  const { diagram, why } = whyOf(runner, result, counterexample, {});
  return `${diagram}\n${why.text}${replayLine(token, flags)}`;
}

/** The same with everything that is known about the reason; `curve`: also the share of paths that break, step by step. */
export function explainRace(
  runner: CellRunner,
  race: Race,
  flags: string,
  curve: boolean,
): { readonly text: string; readonly why: Why | undefined } {
  const { counterexample, token } = race;
  if (counterexample === undefined || token === undefined) return { text: '', why: undefined };
  const { diagram, why } = whyOf(runner, race, counterexample, { edges: MANY_EDGES });
  return { text: `${diagram}\n${why.text}${tellWhy(why, curve)}${replayLine(token, flags)}`, why };
}

const replayLine = (token: string, flags: string): string => `replay   textpoke replay ${token}${flags}\n`;

/** Diagram and reason of a race in a cell. */
export function whyOf(runner: CellRunner, race: Race, { answers, violation }: Counterexample, options: WhyOptions = {}): Told {
  const { knowledge, scenario, variant, cell } = race;
  const missing = saySiblings(holdingSiblings(runner, scenario, variant, cell));
  return told(runner.maker(scenario, variant.name, cell), knowledge, { answers, violation }, verdictUnder(runner, race), {
    ...options,
    missing,
  });
}

/** Diagram and reason of a counterexample in the worlds of `make`. */
export function tellRace(
  make: () => World,
  knowledge: Knowledge,
  counterexample: Counterexample,
  under?: VerdictUnder,
  options?: WhyOptions,
): string {
  const { diagram, why } = told(make, knowledge, counterexample, under, options);
  return `${diagram}\n${why.text}`;
}

interface Told {
  readonly diagram: string;
  readonly why: Why;
}

function told(make: () => World, knowledge: Knowledge, counterexample: Counterexample, under?: VerdictUnder, options?: WhyOptions): Told {
  const fresh = (): World => {
    const world = make();
    world.begin(knowledge);
    return world;
  };
  const why = explainWhy(fresh, counterexample.answers, counterexample.violation, under, options);
  return { diagram: raceDiagram(why.trace), why };
}

/** What other models find in the same variant, by exploring it. */
export function verdictUnder(runner: CellRunner, { scenario, variant, cell }: Pick<Race, 'scenario' | 'variant' | 'cell'>): VerdictUnder {
  return (memory, fetch) => {
    const other = runner.run(scenario, variant, { ...cell, memory, fetch: fetch as AnyFetchPolicyName }, { shrink: false });
    return { verdict: other.verdict, check: other.counterexample?.violation.check };
  };
}
