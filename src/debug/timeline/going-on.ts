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

/** Most steps of a run that goes on by itself: far enough to be of use and not for ever. */
const MOST_STEPS = 10_000;

/** Lets a run go on by itself from its end, until nothing can happen, something is violated, or it goes in circles. */
export function goOn(timeline: ScheduleTimeline, most = MOST_STEPS): void {
  const goingOn = new GoingOn();
  timeline.goto(timeline.end);
  for (let n = 0; n < most; n++) {
    const answer = goingOn.next(timeline);
    if (answer === undefined || timeline.take(answer).length > 0) return;
  }
}
