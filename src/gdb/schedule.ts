import type { Trace } from '../debug/happening.ts';
import { Names } from '../debug/names.ts';
import type { ScheduleTimeline } from '../debug/timeline/schedule-timeline.ts';
import type { Session } from '../debug/timeline/session.ts';
import type { Core } from '../machine/core.ts';
import { fetchViews } from '../machine/look.ts';

/** The run of a schedule, with what can be told of it as it is now. */
export class Schedule {
  readonly session: Session;
  readonly names: Names;
  #trace: Trace | undefined;
  #answers: readonly number[] = [];
  /** Positions of the serializing events of each core, for the trace at hand. */
  #serialized = new Map<number, number[]>();

  constructor(session: Session) {
    this.session = session;
    this.names = new Names(session.timeline.world);
    this.names.learnAll();
  }

  get timeline(): ScheduleTimeline {
    return this.session.timeline;
  }

  /** What happens in the run as it is now. */
  get trace(): Trace {
    const { answers } = this.timeline;
    const same = this.#answers.length === answers.length && this.#answers.every((a, n) => a === answers[n]);
    if (this.#trace !== undefined && same) return this.#trace;
    this.#answers = [...answers];
    this.#trace = this.session.trace();
    this.#serialized = new Map();
    for (const step of this.#trace.steps)
      for (const h of step.happened) {
        if (h.what !== 'serialize') continue;
        const steps = this.#serialized.get(h.core) ?? [];
        steps.push(step.at + 1);
        this.#serialized.set(h.core, steps);
      }
    return this.#trace;
  }

  /** The position behind the last serializing event of a core: what memory held then is the oldest text that its fetch may return. 0: from the start. */
  serializedAt(core: Core): number {
    void this.trace;
    const { at } = this.timeline.position;
    return this.#serialized.get(core.index)?.findLast((step) => step <= at) ?? 0;
  }

  /** Sites at which the core's next fetch may return other bytes than memory holds. */
  staleSites(core: Core): string[] {
    const { world, machine } = this.timeline;
    return world.sites.filter((site) => fetchViews(machine, core, site.address).some((view) => view.stale)).map((site) => site.name);
  }
}
