import { exceptionName } from '../debug/names.ts';
import type { Goal, Request, Stopped } from '../debug/timeline/debugger.ts';
import { comparePositions, type Position, positionText } from '../debug/timeline/position.ts';
import { VOID_RUN } from '../debug/timeline/session.ts';
import { TextpokeError } from '../error.ts';
import type { Core } from '../machine/core.ts';
import type { Job } from './answer.ts';
import type { Breakpoints } from './breakpoints.ts';
import { GuestInt3 } from './int3.ts';
import { type Missed, missedLine, stepOver } from './step-over.ts';
import type { Target } from './target.ts';
import { threadIdOf } from './thread-id.ts';
import type { Resumption } from './vcont.ts';

/** Places to stop at that only `monitor` can say. */
export interface Stops {
  /** A position: forgotten when it is reached. */
  until: Position | undefined;
}

/** Why nothing is written: a token could not say it, and going back and forth would lose it. */
export const REFUSAL = 'a run is its schedule: nothing is written to it';

/**
 * `together`: the client hears of all cores. `alone`: it has named one core for one instruction, perhaps to step over a breakpoint, and is confused by an end
 * of history; `perhaps alone` where it has never done so before. `over`: it steps over a breakpoint on its own account, and dies of news of other cores.
 */
type How = 'together' | 'alone' | 'perhaps alone' | 'over';

/** A run before a core alone moved and made it another one. */
interface Former {
  readonly answers: readonly number[];
  readonly openEnd: boolean;
  readonly position: Position;
  /** Where the core stood. */
  readonly rip: bigint;
}

/** Lets the cores go on, forward and back, as a client asks. */
export class Runner {
  readonly #target: Target;
  readonly #breakpoints: Breakpoints;
  readonly #stops: Stops;
  readonly #say: (text: string) => void;
  readonly #stopped: (core: number) => void;
  /** The client keeps the other cores where they are: it named one alone where no breakpoint explains that. */
  #locks = false;
  /** What other cores came to while gdb stepped one over a breakpoint. It bears no news of them then: it gets them when it lets all go on. */
  #missed: Missed | undefined;
  #former: Former | undefined;
  /** A person has seen where the cores are: the step was not one on gdb's own account. */
  #isShown = true;
  readonly int3: GuestInt3;
  #refused = false;

  /** `stopped` is told which core a stop is about: the client looks at that one then. */
  constructor(target: Target, breakpoints: Breakpoints, stops: Stops, say: (text: string) => void, stopped: (core: number) => void) {
    this.#target = target;
    this.#breakpoints = breakpoints;
    this.int3 = new GuestInt3(target, breakpoints);
    this.#stops = stops;
    this.#say = say;
    this.#stopped = stopped;
  }

  /**
   * Goes on. A core that is named alone is the only one that moves (scheduler-locking), with one exception: gdb also names it alone when it steps over
   * a breakpoint on its own account, which must not change the schedule. `current` is the core that gdb looks at.
   */
  forward({ goal, alone }: Resumption, current: number): Job {
    const { timeline } = this.#target;
    const core = goal.kind === 'continue' ? (alone ?? current) : goal.core;
    const here = (timeline.machine.cores[core] as Core).linearRip;
    const stepsOver = alone !== undefined && goal.kind === 'instruction' && this.#breakpoints.stepsOver(here);
    const hasLocked = this.#locks;
    if (!stepsOver) this.#locks = alone !== undefined;
    if (!stepsOver || this.#isShown) {
      const missed = this.#takeMissed();
      if (missed !== undefined) return this.#backTo(missed);
    }
    if (alone === undefined) this.#restoreFormer();
    this.#isShown = false;
    const asked = this.int3.meant(goal, core);
    this.#breakpoints.arm(stepsOver ? here : undefined);
    const { until } = this.#stops;
    const ahead = until !== undefined && comparePositions(until, timeline.position) > 0;
    const lock = alone !== undefined && this.#locks ? { locked: alone } : {};
    const how = alone !== undefined && goal.kind === 'instruction' ? this.#howAlone(stepsOver, hasLocked) : 'together';
    return this.#job({ direction: 'forward', goal: asked, ...lock, ...(ahead ? { until } : {}) }, core, how);
  }

  #howAlone(stepsOver: boolean, hasLocked: boolean): How {
    // An image alone runs by turns: no core can be kept where it is.
    if ((stepsOver && !this.#locks) || this.#target.schedule === undefined) return 'over';
    return hasLocked ? 'alone' : 'perhaps alone';
  }

  /** A breakpoint appears where a core alone has just been stepped: that was gdb's step over it, and not to change the run. */
  #restoreFormer(): void {
    const former = this.#former;
    this.#former = undefined;
    const timeline = this.#target.schedule?.timeline;
    if (former === undefined || timeline === undefined || this.#isShown || !this.#breakpoints.has(former.rip)) return;
    timeline.replaceFrom(former.position.at, former.answers.slice(former.position.at));
    timeline.openEnd = former.openEnd;
    timeline.goto(former.position);
    this.#locks = false;
    this.#say('it was a step over a breakpoint: the run is the first one again\n');
  }

  back(goal: Goal, core: number): Job {
    this.#missed = undefined;
    const { timeline } = this.#target;
    const asked = this.int3.meant(goal, core);
    this.#breakpoints.arm(undefined);
    const { until } = this.#stops;
    const behind = until !== undefined && comparePositions(until, timeline.position) < 0;
    return this.#job({ direction: 'back', goal: asked, ...(behind ? { until } : {}) }, core, 'together');
  }

  /** Something was not written. */
  refused(): void {
    this.#refused = true;
  }

  /** The client shows where the cores are. */
  shown(): void {
    this.#isShown = true;
  }

  /** What the client must hear of before the cores go on. */
  #takeMissed(): Missed | undefined {
    const missed = this.#missed;
    this.#missed = undefined;
    if (missed === undefined || !this.#isShown) return missed;
    this.#say(`${missedLine(missed)}\n`);
    return undefined;
  }

  #backTo({ stopped, position }: Missed): Job {
    const reply = (): string => {
      this.#target.timeline.goto(position);
      return this.#stop(stopped);
    };
    // biome-ignore lint/correctness/useYield: there is nothing to wait for.
    const steps = (function* (): Generator<undefined, string> {
      return reply();
    })();
    return { steps, interrupted: reply, failed: (error) => this.#failed(error, position, stopped.core) };
  }

  #job(request: Request, core: number, how: How): Job {
    const start = this.#target.timeline.position;
    return {
      steps: how === 'over' ? this.#stepOver(request, core) : this.#run(request, core, how),
      interrupted: () => {
        this.#tell();
        return this.#signal('T02', core);
      },
      failed: (error) => this.#failed(error, start, core),
    };
  }

  *#run(request: Request, core: number, how: How): Generator<undefined, string> {
    const former = this.#now(core);
    this.#tellRefused();
    for (const stopped of this.#target.debug.slices(request)) {
      this.#tell();
      if (stopped === undefined) {
        yield undefined;
        continue;
      }
      this.#tellChange(former, core);
      if (how === 'perhaps alone' && stopped.why === 'blocked') {
        this.#locks = false;
        return yield* this.#stepOver({ direction: 'forward', goal: request.goal }, core);
      }
      if (how !== 'together' && (stopped.why === 'end' || stopped.why === 'blocked')) return this.#unmoved(stopped, core);
      // What stops everybody is not about one core: the client stays with its own.
      return this.#stop(stopped.why === 'begin' || stopped.why === 'until' ? { ...stopped, core } : stopped);
    }
    return this.#signal('T02', core);
  }

  *#stepOver(request: Request, core: number): Generator<undefined, string> {
    const over = yield* stepOver(this.#target, request, core, this.#missed, () => this.#tell());
    this.#missed = over.how === 'moved' ? over.missed : undefined;
    if (over.how === 'moved') return this.#stop(over.stopped);
    if (over.how === 'unmoved') return this.#unmoved(over.stopped, core);
    this.#say(`CPU${core} does not move before CPU${over.missed.stopped.core} comes to a stop here\n`);
    return this.#signal('T00', core);
  }

  /** A step that did not happen: no signal, which gdb shows as a mere stop. */
  #unmoved(stopped: Stopped, core: number): string {
    for (const line of this.#lines(stopped)) this.#say(`${line}\n`);
    return this.#signal('T00', core);
  }

  #tellRefused(): void {
    if (this.#refused) this.#say(`something was not written: ${REFUSAL}\n`);
    this.#refused = false;
  }

  #stop(stopped: Stopped): string {
    if (stopped.why === 'until') this.#stops.until = undefined;
    for (const line of this.#lines(stopped)) this.#say(`${line}\n`);
    this.#stopped(stopped.core);
    return this.#breakpoints.reply(stopped);
  }

  #now(core: number): Former {
    const { schedule, timeline } = this.#target;
    const answers = [...(schedule?.timeline.answers ?? [])];
    const { rip } = timeline.machine.cores[core] as Core;
    return { answers, openEnd: schedule?.timeline.openEnd === true, position: timeline.position, rip };
  }

  /** Another run than before: a core that was locked has made it one. */
  #tellChange(former: Former, core: number): void {
    const now = this.#target.schedule?.timeline.answers ?? [];
    const differs = former.answers.findIndex((answer, n) => answer !== now[n]);
    this.#former = differs < 0 ? undefined : former;
    if (differs >= 0)
      this.#say(`another run from @${differs} on, as CPU${core} alone may move: monitor restore brings the first one back\n`);
    if (this.#target.schedule?.session.isVoid === true) this.#say(`${VOID_RUN}\n`);
  }

  #signal(signal: string, core: number): string {
    this.#stopped(core);
    return `${signal}thread:${threadIdOf(core)};`;
  }

  #lines(stopped: Stopped): readonly string[] {
    switch (stopped.why) {
      case 'end':
        return this.#target.endLines();
      case 'blocked':
        return [`CPU${stopped.core} cannot move alone: monitor choices shows who can`];
      case 'exception':
        return [`CPU${stopped.core} takes ${exceptionName(stopped.vector)}`];
      case 'until':
        return [positionText(this.#target.timeline.position)];
      default:
        return [];
    }
  }

  /** What the guest has written in the meantime. */
  #tell(): void {
    const text = this.#target.serial?.take() ?? '';
    if (text !== '') this.#say(text);
  }

  /** The guest did what the machine cannot. It stands before that then. */
  #failed(error: unknown, start: Position, core: number): string {
    this.#tell();
    const said =
      error instanceof TextpokeError ? [error.message, error.where, error.hint] : [error instanceof Error ? error.message : String(error)];
    this.#say(`${said.filter((line) => line !== undefined).join('\n   ')}\n`);
    const { timeline } = this.#target;
    let last = start;
    try {
      timeline.goto(start);
      // What only we are to blame for need not come again.
      if (!(error instanceof TextpokeError)) return this.#signal('T04', core);
      timeline.play(undefined, () => {
        last = timeline.position;
        return false;
      });
    } catch {
      timeline.goto(last);
    }
    return this.#signal('T04', core);
  }
}
