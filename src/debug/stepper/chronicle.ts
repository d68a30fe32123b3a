import { FRAME_GAP } from '../../explore/checkers/emulation.ts';
import { options } from '../../explore/path.ts';
import { Snapshots } from '../../machine/snapshots.ts';
import type { Happening, Trace, TraceStep } from '../happening.ts';
import type { Session } from '../timeline/session.ts';
import { TraceRecorder } from '../trace.ts';

/** Bytes of the undo journal after which a recording needs none of it any more. */
const JOURNAL_BYTES = 4 << 20;

/** What happened in the run as it is now, and more of it as the run grows. It has a world of its own, at the end of what was recorded. */
export class Chronicle {
  readonly #session: Session;
  #recorder: TraceRecorder | undefined;
  #snapshots: Snapshots | undefined;
  #answers: number[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** The steps of the run up to its end. */
  get steps(): readonly TraceStep[] {
    return this.#upToDate().steps;
  }

  /** The same as a trace; only its end is not told: that depends on what one does there. */
  get trace(): Trace {
    const { recorded } = this.#session;
    const { roles, buffered, cores } = recorded.trace;
    const recorder = this.#upToDate();
    return { cores, roles, buffered, steps: recorder.steps, end: [], violations: recorder.violations, hash: recorder.world.machine.hash() };
  }

  /** The run has come to where nothing more can happen, or to what is wrong. */
  get hasEnded(): boolean {
    const recorder = this.#upToDate();
    return recorder.violations.length > 0 || options(recorder.world, recorder.lastCore).length === 0;
  }

  /** Gives its world back. */
  release(): void {
    this.#recorder?.world.release();
    this.#recorder = undefined;
  }

  #upToDate(): TraceRecorder {
    const wanted = this.#session.timeline.answers;
    // A run that was changed is recorded again.
    if (this.#answers.length > wanted.length || this.#answers.some((a, n) => a !== wanted[n])) this.release();
    let recorder = this.#recorder;
    if (recorder === undefined) {
      const world = this.#session.begin();
      recorder = new TraceRecorder(world);
      this.#snapshots = new Snapshots(world.machine);
      this.#recorder = recorder;
      this.#answers = [];
    }
    while (this.#answers.length < wanted.length) {
      if (this.#snapshots!.pending > JOURNAL_BYTES) this.#snapshots!.pass();
      const answer = wanted[this.#answers.length] as number;
      recorder.answer(answer);
      this.#answers.push(answer);
    }
    return recorder;
  }
}

/** An exception or interrupt that a core is in. */
export interface HandlerFrame {
  /** `#BP`, `SYNC`. */
  readonly name: string;
  /** Where it returns to. */
  readonly from: string;
  /** Step in which it was taken. */
  readonly at: number;
}

interface Entered extends HandlerFrame {
  readonly frame: bigint;
}

/** Follows which handlers each core is in: what was delivered and not yet left by its IRET. */
export class HandlerStacks {
  readonly #stacks: Entered[][];

  constructor(cores: number) {
    this.#stacks = Array.from({ length: cores }, () => []);
  }

  /** Those that a core is in, the innermost last. */
  of(core: number): readonly HandlerFrame[] {
    return this.#stacks[core] ?? [];
  }

  /** Takes notice of what happens next, in step `at`. */
  next(h: Happening, at: number): void {
    const stack = this.#stacks[h.core];
    if (stack === undefined) return;
    if (h.what === 'exception' || h.what === 'interrupt') stack.push({ name: h.name, from: h.rip, at, frame: h.frame });
    else if (h.what === 'iret') {
      // The #BP stub makes room for an emulated call: it returns from a copy of its frame, further down.
      const left = stack.findLastIndex(({ frame }) => frame === h.frame || frame === h.frame + FRAME_GAP);
      if (left >= 0) stack.length = left;
    }
  }
}
