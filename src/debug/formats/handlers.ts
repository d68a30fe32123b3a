import { FRAME_GAP } from '../../explore/checkers/emulation.ts';
import type { Happening } from '../happening.ts';

/** A handler that a core is in. */
export interface Handler {
  /** `#BP`, `SYNC`. */
  readonly name: string;
  /** An interrupt's or NMI's, not an exception's. */
  readonly interrupt: boolean;
  readonly vector: number;
  /** Address of the frame that was pushed for it. */
  readonly frame: bigint;
}

/** What a happening changed. */
export interface Change {
  readonly entered: Handler | undefined;
  /** Handlers that ended, innermost first. */
  readonly left: readonly Handler[];
}

const NOTHING: Change = { entered: undefined, left: [] };

/** Follows the handlers that each core is in. An IRET ends the one whose frame it pops: a core that executes IRET to itself leaves none. */
export class Handlers {
  readonly #stacks = new Map<number, Handler[]>();

  /** Those that a core is in, outermost first. */
  of(core: number): readonly Handler[] {
    return this.#stacks.get(core) ?? [];
  }

  /** Takes notice of the next thing that happened. */
  next(h: Happening): Change {
    if (h.what !== 'exception' && h.what !== 'interrupt' && h.what !== 'iret') return NOTHING;
    const stack = this.#stacks.get(h.core) ?? [];
    this.#stacks.set(h.core, stack);
    if (h.what === 'iret') {
      // The #BP stub makes room for an emulated call: it returns from a copy of its frame, further down.
      const ended = stack.findLastIndex(({ frame }) => frame === h.frame || frame === h.frame + FRAME_GAP);
      return { entered: undefined, left: ended < 0 ? [] : stack.splice(ended).reverse() };
    }
    const entered = { name: h.name, interrupt: h.what === 'interrupt', vector: h.vector, frame: h.frame };
    stack.push(entered);
    return { entered, left: [] };
  }
}
