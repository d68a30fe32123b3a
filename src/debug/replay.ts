import type { Knowledge } from '../explore/knowledge.ts';
import type { World } from '../explore/world.ts';
import { CATALOGUE } from '../scenario/catalogue.ts';
import { type FoundToken, findToken } from '../scenario/find-token.ts';
import type { CellRunner } from '../scenario/matrix.ts';
import type { Scenario } from '../scenario/scenario.ts';
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
  const knowledge = runner.learned(found.scenario, found.variant.name, found.cell.victims).clone();
  knowledge.add(found.content);
  const world = runner.maker(found.scenario, found.variant.name, found.cell)();
  world.begin(knowledge);
  return { found, knowledge, world, trace: recordTrace(world, found.content.answers) };
}
