import type { Core } from '../../machine/core.ts';
import { Accesses } from './accesses.ts';
import { comparePositions, type Position } from './position.ts';
import type { Crossing, Timeline } from './timeline.ts';
import { WatchedBytes } from './watched-bytes.ts';

export type Direction = 'forward' | 'back';

/** A watched piece of data, by its linear address. */
export interface Watch {
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  /** `write`: it changes, as the writer sees it. `read`, `access`: an instruction reads it, or reads or writes it. */
  readonly kind: 'write' | 'read' | 'access';
}

/** A watch, and what each core sees there. */
interface Watched {
  readonly watch: Watch;
  readonly values: readonly WatchedBytes[];
}

/** What a run goes on to. */
export type Goal =
  /** Whatever stops it. */
  | { readonly kind: 'continue' }
  /** Until this core has executed one instruction, or back until it has not. */
  | { readonly kind: 'instruction'; readonly core: number }
  /** Until this core leaves these addresses. */
  | { readonly kind: 'range'; readonly core: number; readonly from: bigint; readonly to: bigint };

export interface Request {
  readonly direction: Direction;
  readonly goal: Goal;
  /** Only this core moves, as far as that can be: the run may become another one. Forward only. */
  readonly locked?: number;
  /** Stops here at the latest. */
  readonly until?: Position;
}

/** Where and why a run stopped; `core` is whom it is about. */
export type Stopped =
  | { readonly why: 'step'; readonly core: number }
  | { readonly why: 'breakpoint'; readonly core: number; readonly address: bigint }
  | { readonly why: 'watch'; readonly core: number; readonly watch: Watch }
  | { readonly why: 'exception'; readonly core: number; readonly vector: number }
  | { readonly why: 'until'; readonly core: number }
  | { readonly why: 'begin'; readonly core: number }
  | { readonly why: 'end'; readonly core: number }
  /** The core that alone may move cannot. */
  | { readonly why: 'blocked'; readonly core: number };

/** Crossings that `resume` looks at before it lets others have a turn. */
const SLICE = 20_000;

/**
 * What debuggers of all kinds do with a timeline: breakpoints, watchpoints, stepping and running, both ways. Breakpoints are addresses that cores come to:
 * guest memory never holds one, and neither they nor looking change the schedule. Only a request that locks a core does.
 */
export class Debugger {
  readonly timeline: Timeline;
  readonly breakpoints = new Set<bigint>();
  readonly watches = new Set<Watch>();
  /** Vectors of exceptions to stop behind. */
  readonly exceptions = new Set<number>();
  readonly #accesses: Accesses;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.#accesses = new Accesses(timeline.machine);
  }

  /** Runs until something stops it; false from `goOn`, which is asked now and then, stops it, too: then undefined. */
  resume(request: Request, goOn: () => boolean = () => true): Stopped | undefined {
    for (const stopped of this.slices(request)) {
      if (stopped !== undefined) return stopped;
      if (!goOn()) return undefined;
    }
    return undefined;
  }

  /** The same for whoever must do other things in between: gives undefined after each slice of the run, and what stopped it at last. */
  *slices(request: Request): Generator<Stopped | undefined, void> {
    yield* request.direction === 'forward' ? this.#forward(request) : this.#back(request);
  }

  *#forward({ goal, locked, until }: Request): Generator<Stopped | undefined, void> {
    const { timeline } = this;
    const watched = this.#watched();
    let last = this.#mover(goal);
    for (;;) {
      if (locked !== undefined && timeline.prefer(locked) === false) return yield { why: 'blocked', core: locked };
      let seen = 0;
      let stopped: Stopped | undefined;
      const played = timeline.play(until, (crossing) => {
        seen++;
        last = crossing.core;
        stopped = this.#stopsAt(crossing, watched) ?? reached(goal, crossing, this.#core(crossing.core));
        // A locked core is asked for again at each place.
        return stopped !== undefined || seen === SLICE || locked !== undefined;
      });
      if (stopped !== undefined) return yield stopped;
      if (played === 'there') return yield { why: 'until', core: last };
      if (played === 'end') return yield { why: 'end', core: last };
      if (seen === SLICE || locked !== undefined) yield undefined;
    }
  }

  *#back({ goal, until }: Request): Generator<Stopped | undefined, void> {
    const { timeline } = this;
    const from = timeline.position;
    let end = from;
    let seen = 0;
    let looked = 0;
    for (;;) {
      const start = timeline.before(end, looked);
      if (start === undefined) {
        timeline.goto(end);
        return yield { why: 'begin', core: this.#mover(goal) };
      }
      timeline.goto(start);
      const watched = this.#watched();
      let before = start;
      let found: { readonly stopped: Stopped; readonly position: Position } | undefined;
      timeline.play(end, (crossing) => {
        seen++;
        looked++;
        const here = timeline.position;
        const hit = this.#stopsAt(crossing, watched);
        // What a core does at a watch is undone, and it comes back to a breakpoint that it stood at.
        if (hit?.why === 'watch' || hit?.why === 'exception') found = { stopped: hit, position: before };
        else if (hit !== undefined && comparePositions(here, from) < 0) found = { stopped: hit, position: here };
        const undone = undoes(goal, crossing);
        if (undone !== undefined) found = { stopped: undone, position: before };
        before = here;
        return false;
      });
      if (found !== undefined && (until === undefined || comparePositions(found.position, until) >= 0)) {
        timeline.goto(found.position);
        return yield found.stopped;
      }
      if (until !== undefined && comparePositions(start, until) <= 0) {
        timeline.goto(until);
        return yield { why: 'until', core: this.#mover(goal) };
      }
      end = start;
      if (seen >= SLICE) {
        seen = 0;
        timeline.goto(end);
        yield undefined;
      }
    }
  }

  #core(index: number): Core {
    return this.timeline.machine.cores[index] as Core;
  }

  #mover(goal: Goal): number {
    return goal.kind === 'continue' ? 0 : goal.core;
  }

  /** What watched data is now, as each core sees it. */
  #watched(): Watched[] {
    const { machine } = this.timeline;
    for (const core of machine.cores) this.#accesses.forget(core);
    if ([...this.watches].some((w) => w.kind !== 'write')) for (const core of machine.cores) this.#accesses.expect(core);
    return [...this.watches].map((watch) => ({
      watch,
      values: machine.cores.map((c) => new WatchedBytes(machine, c, watch.address, watch.size)),
    }));
  }

  #stopsAt(crossing: Crossing, watched: readonly Watched[]): Stopped | undefined {
    const core = this.#core(crossing.core);
    const moved = crossing.kind === 'instruction' || crossing.kind === 'interrupt';
    let stopped: Stopped | undefined;
    if (moved && this.breakpoints.has(core.linearRip)) stopped = { why: 'breakpoint', core: core.index, address: core.linearRip };
    let expects = false;
    for (const { watch, values } of watched) {
      const changes = crossing.kind !== 'drain' && values[core.index]?.changed() === true;
      if (changes && watch.kind !== 'read') stopped = { why: 'watch', core: core.index, watch };
      if (changes || crossing.kind === 'drain') for (const value of values) value.changed();
      expects ||= watch.kind !== 'write';
      if (watch.kind !== 'write' && crossing.kind === 'instruction' && this.#accesses.touched(core, watch))
        stopped = { why: 'watch', core: core.index, watch };
    }
    if (expects && moved) this.#accesses.expect(core);
    if (crossing.exception !== undefined && this.exceptions.has(crossing.exception))
      stopped = { why: 'exception', core: core.index, vector: crossing.exception };
    return stopped;
  }
}

/** Whether a crossing is what the run goes on to. */
function reached(goal: Goal, crossing: Crossing, core: Core): Stopped | undefined {
  if (goal.kind === 'continue' || crossing.core !== goal.core) return undefined;
  if (crossing.kind !== 'instruction' && crossing.kind !== 'interrupt') return undefined;
  if (goal.kind === 'range' && core.linearRip >= goal.from && core.linearRip < goal.to) return undefined;
  return { why: 'step', core: goal.core };
}

/** Whether going back before a crossing is what the run goes back to. A range counts as one instruction: the client asks again. */
function undoes(goal: Goal, crossing: Crossing): Stopped | undefined {
  if (goal.kind === 'continue' || crossing.core !== goal.core) return undefined;
  return crossing.kind === 'instruction' || crossing.kind === 'interrupt' ? { why: 'step', core: goal.core } : undefined;
}
