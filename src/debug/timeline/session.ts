import type { Knowledge } from '../../explore/knowledge.ts';
import type { Budget } from '../../explore/result.ts';
import type { Violation } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import { CATALOGUE } from '../../scenario/catalogue.ts';
import type { FoundToken } from '../../scenario/find-token.ts';
import type { CellRunner } from '../../scenario/matrix.ts';
import type { Cell, Scenario, Variant } from '../../scenario/scenario.ts';
import type { Trace } from '../happening.ts';
import { replayToken } from '../replay.ts';
import { recordTrace } from '../trace.ts';
import { goOn } from './going-on.ts';
import { ScheduleTimeline } from './schedule-timeline.ts';

/** The run of a scenario that somebody looks at. */
export interface Session {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
  readonly timeline: ScheduleTimeline;
  /** What the run was opened with: its answers, and what they lead to. */
  readonly recorded: { readonly answers: readonly number[]; readonly violations: readonly Violation[]; readonly trace: Trace };
  /** The token of the run as it is now, from its start to its end; undefined for one without any step. */
  token(): string | undefined;
  /** What happens in the run as it is now. */
  trace(): Trace;
  /** Another world of the run, at its start. The caller releases it. */
  begin(): World;
  /** Back to the run that was opened, at its start. */
  restore(): void;
}

/** Opens the run of a token. Throws `E_TOKEN` when it belongs to none of the scenarios, `E_DIVERGE` when it does not fit. */
export function openToken(runner: CellRunner, token: string, scenarios: readonly Scenario[] = CATALOGUE): Session {
  const { found, knowledge, world, trace } = replayToken(runner, token, scenarios);
  world.release();
  return open(runner, found, knowledge, found.content.answers, trace);
}

/**
 * Opens a run of a cell: the shortest counterexample that a search finds, or, where it finds none, the run that goes on by itself. `token` says which:
 * undefined for the latter.
 */
export function openCell(
  runner: CellRunner,
  scenario: Scenario,
  variant: Variant,
  cell: Cell,
  budget?: Budget,
): { readonly session: Session; readonly token: string | undefined } {
  const { token } = runner.run(scenario, variant, cell, budget === undefined ? {} : { budget });
  if (token !== undefined) return { session: openToken(runner, token, [scenario]), token };
  const knowledge = runner.learned(scenario, variant.name, cell).clone();
  const world = runner.maker(scenario, variant.name, cell)();
  world.begin(knowledge);
  const timeline = new ScheduleTimeline(world, []);
  goOn(timeline);
  const answers = [...timeline.answers];
  world.release();
  const again = runner.maker(scenario, variant.name, cell)();
  again.begin(knowledge);
  const trace = recordTrace(again, answers);
  again.release();
  return { session: open(runner, { scenario, variant, cell }, knowledge, answers, trace), token: undefined };
}

function open(
  runner: CellRunner,
  { scenario, variant, cell }: Pick<FoundToken, 'scenario' | 'variant' | 'cell'>,
  knowledge: Knowledge,
  answers: readonly number[],
  trace: Trace,
): Session {
  const begun = (): World => {
    const world = runner.maker(scenario, variant.name, cell)();
    world.begin(knowledge);
    return world;
  };
  const timeline = new ScheduleTimeline(begun(), answers);
  timeline.openEnd = trace.violations.length === 0;
  const learned = runner.learned(scenario, variant.name, cell);
  return {
    scenario,
    variant,
    cell,
    timeline,
    recorded: { answers, violations: trace.violations, trace },
    token: () => runner.token(scenario, variant, cell, { knowledge, learned }, timeline.answers),
    trace: () => {
      const now = timeline.answers;
      if (now.length === answers.length && now.every((a, n) => a === answers[n])) return trace;
      const world = begun();
      try {
        return recordTrace(world, now);
      } finally {
        world.release();
      }
    },
    begin: begun,
    restore: () => {
      timeline.replaceFrom(0, answers);
      timeline.openEnd = trace.violations.length === 0;
    },
  };
}
