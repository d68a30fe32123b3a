import { choose, options } from '../../explore/path.ts';
import type { ScheduleTimeline } from './schedule-timeline.ts';

/**
 * Says how a run goes on by itself: with the first answer that leads to a state which it was not in since somebody began to ask, so that a core that waits
 * in a circle makes way for the others.
 */
export class GoingOn {
  readonly #seen = new Set<string>();

  /** The next answer; undefined where nothing can happen or every choice leads back. The timeline is where it was, at the start of a step. */
  next({ world, lastCore }: ScheduleTimeline): number | undefined {
    const { machine } = world;
    this.#seen.add(machine.hash());
    const answer = options(world, lastCore).findIndex((choice) => {
      const mark = machine.mark();
      const violations = choose(world, choice);
      const isNew = violations.length > 0 || !this.#seen.has(machine.hash());
      machine.rollback(mark);
      return isNew;
    });
    return answer < 0 ? undefined : answer;
  }
}
