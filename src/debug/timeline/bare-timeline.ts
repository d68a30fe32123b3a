import { TextpokeError } from '../../error.ts';
import type { Image } from '../../image/image.ts';
import type { BareMachine } from '../../kernel/bare.ts';
import { BareRun, type BareState } from '../../kernel/bare-run.ts';
import type { Machine } from '../../machine/machine.ts';
import { Snapshots } from '../../machine/snapshots.ts';
import { comparePositions, type Position, positionText } from './position.ts';
import type { Crossing, Played, Timeline } from './timeline.ts';

/** Instructions and bytes of the undo journal from one snapshot to the next. */
const SEGMENT_INSTRUCTIONS = 500_000;
const SEGMENT_BYTES = 4 << 20;
/** Instructions between two looks at the journal. */
const CHUNK = 10_000;
/** How far back looking backwards begins: each stride replays what lies before it from the nearest snapshot on. */
const STRIDE = 5_000;
/** The longest one: in its middle nobody else has a turn. */
const LONGEST_STRIDE = 100_000;

/**
 * The run of an image alone, cores by turns: `@N` is behind N instructions of all cores together, `@N+k` behind k exceptions that came before the next one.
 * The machine must keep a journal and must not have run.
 */
export class BareTimeline implements Timeline {
  readonly bare: BareMachine;
  readonly run: BareRun;
  readonly #snapshots: Snapshots;
  readonly #states: { readonly at: number; readonly state: BareState }[];
  readonly #segmentInstructions: number;
  #segment = 0;
  #inside = 0;
  #furthest: Position = { at: 0, inside: 0 };
  #exception: number | undefined;

  constructor(bare: BareMachine, segmentInstructions = SEGMENT_INSTRUCTIONS) {
    this.bare = bare;
    this.run = new BareRun(bare);
    this.#segmentInstructions = segmentInstructions;
    this.#snapshots = new Snapshots(bare.machine);
    this.#states = [{ at: 0, state: this.run.state }];
    bare.machine.observers.push((event) => {
      if (event.kind === 'exception') this.#exception = event.vector;
    });
  }

  get machine(): Machine {
    return this.bare.machine;
  }

  get image(): Image {
    return this.bare.image;
  }

  get position(): Position {
    return { at: this.run.instructions, inside: this.#inside };
  }

  get end(): Position {
    return comparePositions(this.#furthest, this.position) > 0 ? this.#furthest : this.position;
  }

  goto(position: Position): void {
    if (comparePositions(position, this.position) < 0) {
      this.#furthest = this.end;
      this.#restore(this.#states.findLastIndex((s) => s.at <= position.at));
    } else {
      const nearest = this.#states.findLastIndex((s) => s.at <= position.at);
      if (nearest > this.#segment) this.#restore(nearest);
    }
    this.play(position);
    if (comparePositions(this.position, position) === 0) return;
    const end = this.position;
    throw new TextpokeError('E_USAGE', `the run has no ${positionText(position)}`, {
      where: positionText(position),
      hint: this.run.hasEnded ? `it goes from @0 to ${positionText(end)}` : `the next place is ${positionText(end)}`,
    });
  }

  #restore(segment: number): void {
    this.#snapshots.restore(segment);
    this.#segment = segment;
    this.#inside = 0;
    this.run.state = this.#states[segment]!.state;
  }

  before(position: Position, looked = 0): Position | undefined {
    if (position.inside > 0) return { at: position.at, inside: 0 };
    const stride = Math.min(Math.max(looked, STRIDE), LONGEST_STRIDE);
    return position.at === 0 ? undefined : { at: Math.max(0, position.at - stride), inside: 0 };
  }

  prefer(): undefined {
    return undefined;
  }

  play(to: Position | undefined, look?: (crossing: Crossing) => boolean): Played {
    for (;;) {
      const left = to === undefined ? CHUNK : to.at - this.run.instructions;
      if (to !== undefined && comparePositions(this.position, to) >= 0) return 'there';
      if (this.run.hasEnded) return 'end';
      this.#passSnapshot();
      // Exceptions before the next instruction are part of it, unless one wants to stop between them.
      const watches = look !== undefined || (to !== undefined && to.inside > 0 && left < CHUNK);
      const played = watches ? this.#watch(Math.max(left, 1), to, look) : this.#advance(left);
      if (played !== undefined) return played;
    }
  }

  #advance(limit: number): undefined {
    if (this.run.advance(Math.min(limit, CHUNK)) > 0) this.#inside = 0;
  }

  #watch(limit: number, to: Position | undefined, look: ((crossing: Crossing) => boolean) | undefined): Played | undefined {
    let at = this.run.instructions;
    let played: Played | undefined;
    this.#exception = undefined;
    this.machine.watching(
      (core) => {
        const now = this.run.instructions;
        this.#inside = now === at ? this.#inside + 1 : 0;
        at = now;
        const exception = this.#exception;
        this.#exception = undefined;
        const crossing: Crossing = { core: core.index, kind: 'instruction', ...(exception === undefined ? {} : { exception }) };
        if (look?.(crossing) === true) played = 'found';
        else if (to !== undefined && comparePositions(this.position, to) >= 0) played = 'there';
        return played !== undefined;
      },
      () => this.run.advance(Math.min(limit, CHUNK)),
    );
    return played;
  }

  #passSnapshot(): void {
    const at = this.run.instructions;
    if (at - this.#states[this.#segment]!.at < this.#segmentInstructions && this.#snapshots.pending < SEGMENT_BYTES) return;
    // Only where a step begins: a snapshot is the first place of its step.
    if (this.#inside > 0) return;
    this.#segment = this.#snapshots.pass();
    this.#states[this.#segment] = { at, state: this.run.state };
  }
}
