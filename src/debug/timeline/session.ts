import { TextpokeError } from '../../error.ts';
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
  /** Another one after `renew`. */
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
  /**
   * The machine has come upon something that cores share, or text that is written, which the run's world did not know of from its start: places that the run
   * comes back to are not what they were. Only another choice than the recorded ones leads there, also one that was tried and undone.
   */
  readonly isVoid: boolean;
  /**
   * Begins again, at the start: with what the machine has come upon, where the run is the same one then; else (or not `learning`) with what was known, and false. Its
   * timeline is another one then, and the old one is done with.
   */
  renew(learning: boolean): boolean;
}

/** What a person is told where a run has come upon memory that nobody knew to be shared (`Session.isVoid`). */
export const VOID_RUN =
  'this order touches memory that no search knew to be shared: what lies before may look different now, and its token may not replay. ' +
  'Explore the scenario first, then open the token that this gives';

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
  opened: Knowledge,
  answers: readonly number[],
  trace: Trace,
): Session {
  let knowledge = opened;
  const begin = (known = knowledge): World => {
    const world = runner.maker(scenario, variant.name, cell)();
    world.begin(known);
    return world;
  };
  let timeline = new ScheduleTimeline(begin(), answers);
  timeline.openEnd = trace.violations.length === 0;
  let discoveries = timeline.machine.discoveries;
  const learned = runner.learned(scenario, variant.name, cell);
  const traced = (known: Knowledge, run: readonly number[]): Trace => {
    const world = begin(known);
    try {
      return recordTrace(world, run);
    } finally {
      world.release();
    }
  };
  const restart = (known: Knowledge, run: readonly number[]): void => {
    const { openEnd } = timeline;
    timeline.world.release();
    knowledge = known;
    timeline = new ScheduleTimeline(begin(), run);
    timeline.openEnd = openEnd;
    discoveries = timeline.machine.discoveries;
  };
  return {
    scenario,
    variant,
    cell,
    get timeline() {
      return timeline;
    },
    recorded: { answers, violations: trace.violations, trace },
    token: () => runner.token(scenario, variant, cell, { knowledge, learned }, timeline.answers),
    trace: () => {
      const now = timeline.answers;
      return now.length === answers.length && now.every((a, n) => a === answers[n]) ? trace : traced(knowledge, now);
    },
    begin: () => begin(),
    restore: () => {
      if (knowledge === opened) timeline.replaceFrom(0, answers);
      else restart(opened, answers);
      timeline.openEnd = trace.violations.length === 0;
    },
    get isVoid() {
      return timeline.machine.discoveries !== discoveries;
    },
    renew: (learning) => {
      const run = [...timeline.answers];
      const more = knowledge.clone();
      if (learning) more.learn(timeline.machine, timeline.world.sharable);
      const isSame =
        learning &&
        sameRun(
          () => traced(knowledge, run),
          () => traced(more, run),
        );
      restart(isSame ? more : knowledge, run);
      return isSame;
    },
  };
}

/** Whether two runs do the same, step by step: the last may go further in one, up to what only the other knows to be shared. */
function sameRun(one: () => Trace, other: () => Trace): boolean {
  try {
    const begins = ({ steps }: Trace): string => steps.map((s) => `${s.core} ${s.choice} ${s.rip} ${s.offered}`).join();
    return begins(one()) === begins(other());
  } catch (error) {
    if (error instanceof TextpokeError && error.code === 'E_DIVERGE') return false;
    throw error;
  }
}
