import { exceptionName } from '../debug/names.ts';
import type { Goal, Request, Stopped } from '../debug/timeline/debugger.ts';
import { comparePositions, type Position, positionText } from '../debug/timeline/position.ts';
import { TextpokeError } from '../error.ts';
import type { Core } from '../machine/core.ts';
import type { Job } from './answer.ts';
import type { Breakpoints } from './breakpoints.ts';
import type { Target } from './target.ts';
import { threadIdOf } from './thread-id.ts';
import type { Resumption } from './vcont.ts';

/** Places to stop at that only `monitor` can say. */
export interface Stops {
  /** A position: forgotten when it is reached. */
  until: Position | undefined;
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

  /** `stopped` is told which core a stop is about: the client looks at that one then. */
  constructor(target: Target, breakpoints: Breakpoints, stops: Stops, say: (text: string) => void, stopped: (core: number) => void) {
    this.#target = target;
    this.#breakpoints = breakpoints;
    this.#stops = stops;
    this.#say = say;
    this.#stopped = stopped;
  }

  /**
   * Goes on. A core that is named alone is the only one that moves (scheduler-locking), with one exception: gdb also names it alone when it steps over
   * a breakpoint on its own account, which must not change the schedule. `current` is the core that gdb looks at.
   */
  forward({ goal, alone }: Resumption, current: number): Job {
    const core = goal.kind === 'continue' ? (alone ?? current) : goal.core;
    const here = (this.#target.timeline.machine.cores[core] as Core).rip;
    const stepsOver = alone !== undefined && goal.kind === 'instruction' && this.#breakpoints.stepsOver(here);
    if (!stepsOver) this.#locks = alone !== undefined;
    this.#breakpoints.arm(stepsOver ? here : undefined);
    const { until } = this.#stops;
    const ahead = until !== undefined && comparePositions(until, this.#target.timeline.position) > 0;
    return this.#job(
      {
        direction: 'forward',
        goal,
        ...(alone !== undefined && this.#locks ? { locked: alone } : {}),
        ...(ahead ? { until } : {}),
      },
      core,
    );
  }

  back(goal: Goal, core: number): Job {
    this.#breakpoints.arm(undefined);
    const { until } = this.#stops;
    const behind = until !== undefined && comparePositions(until, this.#target.timeline.position) < 0;
    return this.#job({ direction: 'back', goal, ...(behind ? { until } : {}) }, core);
  }

  #job(request: Request, core: number): Job {
    const start = this.#target.timeline.position;
    return {
      steps: this.#run(request, core),
      interrupted: () => {
        this.#tell();
        return this.#signal('T02', core);
      },
      failed: (error) => this.#failed(error, start, core),
    };
  }

  *#run(request: Request, core: number): Generator<undefined, string> {
    const { schedule } = this.#target;
    const answers = [...(schedule?.timeline.answers ?? [])];
    for (const stopped of this.#target.debug.slices(request)) {
      this.#tell();
      if (stopped === undefined) {
        yield undefined;
        continue;
      }
      if (stopped.why === 'until') this.#stops.until = undefined;
      for (const line of this.#lines(stopped)) this.#say(`${line}\n`);
      const now = schedule?.timeline.answers ?? [];
      const changed = now.findIndex((answer, n) => n < answers.length && answer !== answers[n]);
      if (changed >= 0 || now.length < answers.length)
        this.#say(
          `another run from @${changed < 0 ? now.length : changed} on, as CPU${core} alone may move: monitor restore brings the first one back\n`,
        );
      // What stops everybody is not about one core: the client stays with its own.
      const about = stopped.why === 'begin' || stopped.why === 'until' ? { ...stopped, core } : stopped;
      this.#stopped(about.core);
      return this.#breakpoints.reply(about);
    }
    return this.#signal('T02', core);
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
