import { sayCell } from '../../cli/report.ts';
import type { Trace } from '../../debug/happening.ts';
import { goOn } from '../../debug/timeline/going-on.ts';
import { ScheduleTimeline } from '../../debug/timeline/schedule-timeline.ts';
import { TraceRecorder } from '../../debug/trace.ts';
import type { Knowledge } from '../../explore/knowledge.ts';
import { options } from '../../explore/path.ts';
import { encodeToken, imageHash, nameHash, SEMANTICS_VERSION } from '../../explore/token.ts';
import type { Violation } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import { Snapshots } from '../../machine/snapshots.ts';
import { type FoundToken, findToken } from '../../scenario/find-token.ts';
import { type CellRunner, cellName } from '../../scenario/matrix.ts';
import type { Cell, Scenario, Variant } from '../../scenario/scenario.ts';
import { HandlerStacks } from './handler-stacks.ts';
import type { RunView } from './protocol.ts';
import { runColumns } from './run-view.ts';

/** Bytes of the undo journal after which a recording needs none of it any more. */
const JOURNAL_BYTES = 4 << 20;

/** The cell of a scenario and what its worlds know from the start. */
export interface Ground {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
  readonly knowledge: Knowledge;
}

/** A world of a ground, begun. */
export function beginWorld(runner: CellRunner, { scenario, variant, cell, knowledge }: Ground): World {
  const world = runner.maker(scenario, variant.name, cell)();
  world.begin(knowledge);
  return world;
}

/** The ground of a token. Throws E_TOKEN. */
export function groundOf(runner: CellRunner, token: string): Ground & { readonly found: FoundToken } {
  const found = findToken(token, runner.fixtures);
  const { scenario, variant, cell } = found;
  const knowledge = runner.learned(scenario, variant.name, cell).clone();
  knowledge.add(found.content);
  return { found, scenario, variant, cell, knowledge };
}

/** One run that is looked at: its trace, and a machine that goes to any place of it. */
export class Session {
  readonly runner: CellRunner;
  readonly ground: Ground;
  readonly token: string;
  readonly answers: readonly number[];
  readonly trace: Trace;
  readonly timeline: ScheduleTimeline;
  readonly stacks: HandlerStacks;
  /** Something could still happen behind the last step. */
  readonly isOpen: boolean;

  /** `violation`: what the run leads to where its steps do not show it, as a livelock. Throws E_TOKEN, E_DIVERGE. */
  static open(runner: CellRunner, token: string, violation?: Violation): Session {
    const { found, ...ground } = groundOf(runner, token);
    return new Session(runner, ground, found.content.answers, token, violation);
  }

  constructor(runner: CellRunner, ground: Ground, answers: readonly number[], token: string, violation?: Violation) {
    this.runner = runner;
    this.ground = ground;
    this.answers = answers;
    this.token = token;
    const recorded = record(beginWorld(runner, ground), answers, violation);
    this.trace = recorded.trace;
    this.isOpen = recorded.isOpen;
    this.stacks = new HandlerStacks(this.trace);
    this.timeline = new ScheduleTimeline(beginWorld(runner, ground), answers);
  }

  get world(): World {
    return this.timeline.world;
  }

  /** The run is closed: its machine goes to the next one. */
  release(): void {
    this.world.release();
  }

  view(): RunView {
    const { scenario, variant, cell } = this.ground;
    return {
      token: this.token,
      scenario: scenario.name,
      alias: scenario.alias,
      title: scenario.title,
      variant: variant.name,
      variantTitle: variant.title,
      cell,
      cellWords: sayCell(cell),
      ...runColumns(this.trace),
      handlers: this.stacks.intervals(this.trace.steps.length),
      open: this.isOpen,
    };
  }

  /** The run with another choice at step `at`, continued without delays. */
  take(at: number, choice: number): Session {
    const answers = continued(beginWorld(this.runner, this.ground), [...this.answers.slice(0, at), choice]);
    return new Session(this.runner, this.ground, answers, tokenOf(this.runner, this.ground, answers));
  }
}

/** The token of answers on a ground; that of a run without any choice, too, which has no other place to be looked at. */
export function tokenOf(runner: CellRunner, { scenario, variant, cell, knowledge }: Ground, answers: readonly number[]): string {
  const learned = runner.learned(scenario, variant.name, cell);
  return encodeToken({
    world: nameHash(cellName(scenario, variant.name, cell)),
    image: imageHash(runner.image(scenario).contentHash()),
    semantics: SEMANTICS_VERSION,
    answers,
    ...knowledge.beyond(learned),
  });
}

function record(world: World, answers: readonly number[], violation?: Violation): { readonly trace: Trace; readonly isOpen: boolean } {
  const recorder = new TraceRecorder(world);
  const snapshots = new Snapshots(world.machine);
  for (const answer of answers) {
    if (snapshots.pending > JOURNAL_BYTES) snapshots.pass();
    recorder.answer(answer);
  }
  const isOpen = recorder.violations.length === 0 && options(world, recorder.lastCore).length > 0;
  const trace = recorder.finish(violation);
  recorder.detach();
  world.release();
  return { trace, isOpen };
}

/** The answers of a run that begins with `answers` and goes on by itself, until something is violated or nothing new can happen. Releases the world. */
export function continued(world: World, answers: readonly number[]): number[] {
  const timeline = new ScheduleTimeline(world, answers);
  timeline.goto(timeline.end);
  if (timeline.violations.length === 0) goOn(timeline);
  const all = [...timeline.answers];
  world.release();
  return all;
}
