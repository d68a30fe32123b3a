import { TextpokeError } from '../../error.ts';
import { choose, endOf, options } from '../../explore/path.ts';
import type { Violation } from '../../explore/violation.ts';
import type { World } from '../../explore/world.ts';
import type { Image } from '../../image/image.ts';
import type { Choice } from '../../machine/choices.ts';
import type { Core } from '../../machine/core.ts';
import type { Machine } from '../../machine/machine.ts';
import { Snapshots } from '../../machine/snapshots.ts';
import { comparePositions, type Position, positionText } from './position.ts';
import type { Crossing, Played, Timeline } from './timeline.ts';

/** Steps from one snapshot to the next: what going somewhere may have to play again. */
const SEGMENT_STEPS = 2048;
/** The same in bytes of the undo journal. */
const SEGMENT_BYTES = 4 << 20;

/** The run of a schedule in a world that has just begun; the answers may be changed from any step on. */
export class ScheduleTimeline implements Timeline {
  readonly world: World;
  /** Whether the run goes on with first answers behind its last one, until something is violated or nothing can happen. */
  openEnd = false;
  readonly #segmentSteps: number;
  readonly #answers: number[];
  readonly #snapshots: Snapshots;
  /** Step at which each snapshot was taken. */
  readonly #segments: number[] = [0];
  #segment = 0;
  /** Marks of the steps since the segment's start. */
  readonly #marks: number[] = [];
  /** Core of each step, as far as the run was played. */
  readonly #cores: number[] = [];
  /** Crossings inside each step, where they were counted. */
  readonly #lengths: (number | undefined)[] = [];
  #at = 0;
  #inside = 0;
  /** What the last step that was performed violated. */
  #violations: readonly Violation[] = [];
  /** Of the core that is moving, since its last crossing. */
  #exception: number | undefined;

  /** `segmentSteps`: steps from one snapshot to the next. */
  constructor(world: World, answers: readonly number[], segmentSteps = SEGMENT_STEPS) {
    this.world = world;
    this.#segmentSteps = segmentSteps;
    this.#answers = [...answers];
    this.#snapshots = new Snapshots(world.machine);
    world.machine.observers.push((event) => {
      if (event.kind === 'exception') this.#exception = event.vector;
    });
  }

  get machine(): Machine {
    return this.world.machine;
  }

  get image(): Image {
    return this.world.lab.image;
  }

  get position(): Position {
    return { at: this.#at, inside: this.#inside };
  }

  get end(): Position {
    return { at: this.#answers.length, inside: 0 };
  }

  get answers(): readonly number[] {
    return this.#answers;
  }

  /** The core that moved last, which `options` wants to know. */
  get lastCore(): number {
    return this.#cores[this.#at - 1] ?? 0;
  }

  goto(position: Position): void {
    if (comparePositions(position, this.end) > 0 || position.at < 0) this.#nowhere(position);
    this.#toStep(position.at);
    if (position.inside > 0 && this.play(position) !== 'there') this.#nowhere(position);
    if (comparePositions(this.position, position) !== 0) this.#nowhere(position);
  }

  #nowhere(position: Position): never {
    throw new TextpokeError('E_USAGE', `the run has no ${positionText(position)}`, {
      where: positionText(position),
      hint: `it goes from @0 to ${positionText(this.end)}; inside a step there are as many places as it has instructions`,
    });
  }

  before(position: Position): Position | undefined {
    if (position.inside > 0) return { at: position.at, inside: 0 };
    return position.at === 0 ? undefined : { at: position.at - 1, inside: 0 };
  }

  play(to: Position | undefined, look?: (crossing: Crossing) => boolean): Played {
    for (;;) {
      if (to !== undefined && comparePositions(this.position, to) >= 0) return 'there';
      if (this.#at === this.#answers.length && !(to === undefined && this.#extend())) return 'end';
      const played = look === undefined && to?.at !== this.#at ? this.#toStep(this.#at + 1) : this.#playStep(to, look);
      if (played !== undefined) return played;
    }
  }

  #extend(): boolean {
    if (!this.openEnd || this.violations.length > 0 || this.options.length === 0) return false;
    this.#answers.push(0);
    return true;
  }

  /** Plays the rest of the step at hand. Undefined when nothing stopped it. */
  #playStep(to: Position | undefined, look: ((crossing: Crossing) => boolean) | undefined): Played | undefined {
    const from = this.#inside;
    const at = this.#at;
    const last = this.length(at);
    this.#leave();
    let crossed = 0;
    let played: Played | undefined;
    this.#exception = undefined;
    const choice = this.#perform((core) => {
      crossed++;
      // The last crossing is the next step's position.
      if (crossed >= last) return false;
      if (crossed <= from) {
        this.#exception = undefined;
        return false;
      }
      this.#inside = crossed;
      if (look?.(this.#crossing(core.index, this.#kind(at, crossed))) === true) played = 'found';
      else if (to !== undefined && to.at === at && to.inside === crossed) played = 'there';
      return played !== undefined;
    });
    if (played !== undefined) return played;
    this.#inside = 0;
    this.#at++;
    return look?.(this.#crossing(choice.core, last === 0 ? kindOf(choice) : this.#kind(at, last))) === true ? 'found' : undefined;
  }

  #crossing(core: number, kind: Crossing['kind']): Crossing {
    const exception = this.#exception;
    this.#exception = undefined;
    return exception === undefined ? { core, kind } : { core, kind, exception };
  }

  readonly #interrupts = new Set<number>();

  #kind(at: number, crossed: number): Crossing['kind'] {
    return crossed === 1 && this.#interrupts.has(at) ? 'interrupt' : 'instruction';
  }

  /** Places inside step `at`: how many instructions its core executes in it. 0: it drains a store, say. The machine stays where it is. */
  length(at: number): number {
    const known = this.#lengths[at];
    if (known !== undefined) return known;
    const back = this.position;
    this.#toStep(at);
    let crossed = 0;
    this.#perform(() => {
      crossed++;
      return false;
    });
    this.#undo(at);
    this.#lengths[at] = crossed;
    if (comparePositions(this.position, back) !== 0) this.goto(back);
    return crossed;
  }

  /** Back to the start of the step at hand. */
  #leave(): void {
    if (this.#inside === 0) return;
    this.#undo(this.#at);
    this.#inside = 0;
  }

  #undo(step: number): void {
    const index = step - this.#segments[this.#segment]!;
    this.machine.rollback(this.#marks[index] as number);
    this.#marks.length = index;
  }

  #toStep(step: number): undefined {
    this.#leave();
    const start = this.#segments[this.#segment]!;
    const nearest = this.#segments.findLastIndex((s) => s <= step);
    if (step < start || nearest > this.#segment) {
      this.#snapshots.restore(nearest);
      this.#segment = nearest;
      this.#at = this.#segments[nearest]!;
      this.#marks.length = 0;
    } else if (step < this.#at) {
      this.#undo(step);
      this.#at = step;
    }
    while (this.#at < step) {
      this.#perform();
      this.#at++;
    }
  }

  /** Performs the step at hand. With `look` it may stop in its middle. */
  #perform(look?: (core: Core) => boolean): Choice {
    this.#passSnapshot();
    const answer = this.#answers[this.#at] as number;
    const offered = options(this.world, this.lastCore);
    const choice = offered[answer];
    if (choice === undefined) {
      const wanted = offered.length === 0 ? 'the run has ended there' : `only ${offered.length} are offered there`;
      throw new TextpokeError('E_DIVERGE', `the schedule wants answer ${answer} at @${this.#at}, but ${wanted}`, {
        where: `@${this.#at}`,
        hint: 'the schedule was recorded in another world: compare image, cores, models and variant',
      });
    }
    this.#cores[this.#at] = choice.core;
    if (choice.kind === 'interrupt') this.#interrupts.add(this.#at);
    else this.#interrupts.delete(this.#at);
    this.#marks.push(this.machine.mark());
    this.#violations = choose(this.world, choice, look);
    return choice;
  }

  #passSnapshot(): void {
    const steps = this.#at - this.#segments[this.#segment]!;
    if (steps < this.#segmentSteps && this.#snapshots.pending < SEGMENT_BYTES) return;
    this.#segment = this.#snapshots.pass();
    this.#segments[this.#segment] = this.#at;
    this.#marks.length = 0;
  }

  // ---- other schedules ----

  /** What can happen next, at the start of a step: what `take` chooses among. */
  get options(): readonly Choice[] {
    this.#leave();
    return options(this.world, this.lastCore);
  }

  /** The run goes on from here with this answer to `options` instead; what came behind is forgotten. Performs it and gives what it violates. */
  take(answer: number): readonly Violation[] {
    this.#leave();
    this.truncate();
    this.#answers.push(answer);
    try {
      this.#toStep(this.#at + 1);
    } catch (error) {
      this.#answers.pop();
      throw error;
    }
    return this.#violations;
  }

  prefer(core: number): boolean {
    if (this.#inside > 0) {
      if (this.#cores[this.#at] === core) return true;
      // Others see nothing of the rest of a step.
      this.#toStep(this.#at + 1);
    }
    const offered = this.options;
    const recorded = offered[this.#answers[this.#at] ?? -1];
    if (recorded?.core === core) return true;
    // Its own stores may be what it waits for.
    let answer = offered.findIndex((c) => c.core === core && c.kind === 'step');
    if (answer < 0) answer = offered.findIndex((c) => c.core === core);
    if (answer < 0) return false;
    this.truncate();
    this.#answers.push(answer);
    this.openEnd = true;
    return true;
  }

  /** The run ends here. */
  truncate(): void {
    this.#leave();
    this.#answers.length = this.#at;
    this.#lengths.length = Math.min(this.#lengths.length, this.#at);
    this.#cores.length = Math.min(this.#cores.length, this.#at);
    this.#segments.length = this.#segment + 1;
    this.#snapshots.forgetBehind(this.#segment);
  }

  /** Other answers from `at` on, none of them performed. */
  replaceFrom(at: number, answers: readonly number[]): void {
    this.#toStep(at);
    this.truncate();
    this.#answers.push(...answers);
  }

  /** What the run violates here: by its last step, or because nothing more can happen. The machine is at the start of a step then. */
  get violations(): readonly Violation[] {
    this.#leave();
    if (this.#at > 0) {
      // Performed again: whoever came here backwards has not seen it.
      const at = this.#at;
      this.#toStep(at - 1);
      this.#toStep(at);
      if (this.#violations.length > 0) return this.#violations;
    }
    return options(this.world, this.lastCore).length === 0 ? endOf(this.world) : [];
  }
}

/** What a step without a whole instruction is. */
function kindOf(choice: Choice): Crossing['kind'] {
  switch (choice.kind) {
    case 'step':
      return 'access';
    case 'drain':
      return 'drain';
    case 'interrupt':
      return 'interrupt';
    default:
      return 'cache';
  }
}
