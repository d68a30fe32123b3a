import type { Knowledge } from '../explore/knowledge.ts';
import { options } from '../explore/path.ts';
import type { Violation } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import { CATALOGUE } from '../scenario/catalogue.ts';
import { type FoundToken, findToken } from '../scenario/find-token.ts';
import type { CellRunner } from '../scenario/matrix.ts';
import { expectedOf, type Scenario } from '../scenario/scenario.ts';
import type { Trace } from './happening.ts';
import { recordTrace } from './trace.ts';

/** The run of a token. */
export interface ReplayedToken {
  readonly found: FoundToken;
  /** What the world knew from its start. */
  readonly knowledge: Knowledge;
  /** Behind its last step. */
  readonly world: World;
  readonly trace: Trace;
}

/** Runs the one schedule of a token again. Throws E_TOKEN when it belongs to none of the scenarios. */
export function replayToken(runner: CellRunner, token: string, scenarios: readonly Scenario[] = CATALOGUE): ReplayedToken {
  const found = findToken(token, runner.fixtures, scenarios);
  const knowledge = runner.learned(found.scenario, found.variant.name, found.cell).clone();
  knowledge.add(found.content);
  const world = runner.maker(found.scenario, found.variant.name, found.cell)();
  world.begin(knowledge);
  const trace = recordTrace(world, found.content.answers);
  const livelock =
    trace.violations.length === 0 && options(world, trace.steps.at(-1)?.core ?? 0).length > 0
      ? livelockOf(runner, found, token)
      : undefined;
  if (livelock === undefined) return { found, knowledge, world, trace };
  const again = runner.maker(found.scenario, found.variant.name, found.cell)();
  again.begin(knowledge);
  return { found, knowledge, world: again, trace: recordTrace(again, found.content.answers, livelock) };
}

/** A token that leads into a circle shows no violation of its own: the search that gave it says which. */
function livelockOf(runner: CellRunner, { scenario, variant, cell }: FoundToken, token: string): Violation | undefined {
  if (expectedOf(variant.expected, cell.fetch) === 'ok') return undefined;
  const result = runner.run(scenario, variant, cell);
  const violation = result.token === token ? result.counterexample?.violation : undefined;
  return violation?.cause === 'livelock' ? violation : undefined;
}
