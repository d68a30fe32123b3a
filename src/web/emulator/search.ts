import { sayCoverage, sayVerdict } from '../../cli/report.ts';
import { replayToken } from '../../debug/replay.ts';
import { whyOf } from '../../debug/show-race.ts';
import { TextpokeError } from '../../error.ts';
import { explore } from '../../explore/explore.ts';
import { choose, options } from '../../explore/path.ts';
import type { Counts } from '../../explore/result.ts';
import type { Violation } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import { CATALOGUE, scenarioOf } from '../../scenario/catalogue.ts';
import type { CellResult, CellRunner } from '../../scenario/matrix.ts';
import { type Cell, expectedOf, variantOf } from '../../scenario/scenario.ts';
import type { FoundView, WhyView } from './protocol.ts';
import { beginWorld, continued, type Ground, groundOf, tokenOf } from './session.ts';
import { isSame } from './state-view.ts';

/** Transitions after which a search on a page says that it is not done. */
const MOST_STEPS = 20_000_000;

export type OnProgress = (counts: Counts, phase: string) => void;

/** Tries the orders of a variant; where none breaks, the token is that of a run without delays. */
export function find(
  runner: CellRunner,
  ask: { readonly scenario: string; readonly variant: string; readonly cell: Cell },
  onProgress: OnProgress,
): FoundView {
  const scenario = scenarioOf(ask.scenario, CATALOGUE);
  const variant = variantOf(scenario, ask.variant);
  const result = runner.run(scenario, variant, ask.cell, { budget: { maxSteps: MOST_STEPS }, onProgress });
  const knowledge = result.knowledge;
  const ground: Ground = { scenario, variant, cell: ask.cell, knowledge };
  const answers = result.counterexample?.answers ?? continued(beginWorld(runner, ground), []);
  const token = result.token ?? tokenOf(runner, ground, answers);
  return foundView(result, token);
}

function foundView(result: CellResult, token: string): FoundView {
  const { expected, asRecorded } = result;
  return {
    verdict: result.verdict,
    headline: sayVerdict(result),
    coverage: sayCoverage(result),
    token: token === '' ? undefined : token,
    breaks: result.verdict === 'violation',
    recorded: expected === undefined ? undefined : `recorded ${expected}${asRecorded ? '' : ': this differs'}`,
    notes: result.notes,
    missing: result.missingWitnesses,
  };
}

/** Tries the orders that go on from step `at` of a run, `choice` being taken there where it is given. */
export function findFrom(
  runner: CellRunner,
  { token, at, choice }: { readonly token: string; readonly at: number; readonly choice: number | undefined },
  onProgress: OnProgress,
): FoundView {
  const { found, ...ground } = groundOf(runner, token);
  const prefix = [...found.content.answers.slice(0, at), ...(choice === undefined ? [] : [choice])];
  const make = (): World => startingBehind(runner.maker(ground.scenario, ground.variant.name, ground.cell)(), prefix);
  const result = explore(make, { learned: ground.knowledge, budget: { maxSteps: MOST_STEPS }, onProgress });
  const cell: CellResult = {
    ...result,
    scenario: ground.scenario,
    variant: ground.variant,
    cell: ground.cell,
    expected: expectedOf(ground.variant.expected, ground.cell.fetch),
    asRecorded: true,
    token: undefined,
    share: undefined,
  };
  const rest = result.counterexample?.answers ?? [];
  const answers = [...prefix, ...inTurn(beginWorld(runner, ground), prefix, rest)];
  const whole = result.counterexample === undefined ? continued(beginWorld(runner, ground), prefix) : answers;
  const known = { ...ground, knowledge: result.knowledge };
  if (result.knowledge.size > ground.knowledge.size)
    throw new TextpokeError('E_DIVERGE', 'from here cores reach memory that this run took for private', {
      where: `@${at}`,
      hint: 'explore the variant itself: its token knows more',
    });
  return { ...foundView(cell, tokenOf(runner, known, whole)), recorded: undefined };
}

/** A world that begins behind the first steps of a run. */
function startingBehind(world: World, prefix: readonly number[]): World {
  // What some other run must have done says nothing about those from here.
  world.wantedWitnesses = [];
  const begin = world.begin.bind(world);
  world.begin = (knowledge) => {
    begin(knowledge);
    perform(world, prefix);
    world.violations = [];
  };
  return world;
}

/** Performs answers; gives the core that moved last. */
function perform(world: World, answers: readonly number[]): number {
  let last = 0;
  for (const [at, answer] of answers.entries()) {
    const choice = options(world, last)[answer];
    if (choice === undefined)
      throw new TextpokeError('E_DIVERGE', `the schedule wants answer ${answer} at @${at}, which is not offered`, { where: `@${at}` });
    world.machine.mark();
    choose(world, choice);
    last = choice.core;
  }
  return last;
}

/** Answers of a search that began behind `prefix` as those of the whole run: only the first is counted in another order. Releases the world. */
function inTurn(world: World, prefix: readonly number[], answers: readonly number[]): number[] {
  const [first, ...rest] = answers;
  const last = perform(world, prefix);
  const meant = first === undefined ? undefined : options(world, 0)[first];
  const out = meant === undefined ? [] : [options(world, last).findIndex((c) => isSame(c, meant)), ...rest];
  world.release();
  return out;
}

/** What a run leads to where its steps do not show it: a circle that nothing ends. Undefined for a run that is only cut short. */
export function livelockOf(runner: CellRunner, token: string): Violation | undefined {
  const { trace, world } = replayToken(runner, token);
  world.release();
  return trace.violations.find((v) => v.cause === 'livelock');
}

/** Why a run breaks. */
export function tellWhy(runner: CellRunner, token: string): WhyView {
  const { found, trace, knowledge, world } = replayToken(runner, token);
  world.release();
  const [violation] = trace.violations;
  if (violation === undefined) return { diagram: '', text: '' };
  const { scenario, variant, cell } = found;
  const counterexample = { answers: found.content.answers, violation };
  const told = whyOf(runner, { scenario, variant, cell, counterexample, knowledge, token }, counterexample);
  return { diagram: told.diagram, text: told.why.text };
}
