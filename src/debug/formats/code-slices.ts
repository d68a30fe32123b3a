import type { Happening, TraceStep } from '../happening.ts';
import { Handlers } from './handlers.ts';
import { functionOf } from './roles.ts';

export interface Slice {
  readonly name: string;
  readonly category: 'function' | 'handler';
}

/** Slices of a core that end, innermost first, and then those that begin. */
export interface SliceChange {
  readonly ended: number;
  readonly begun: readonly Slice[];
}

const NOTHING: SliceChange = { ended: 0, begun: [] };

/** The functions and handlers that each core is in, as slices that nest. A function is known where a step of its core begins. */
export class CodeSlices {
  readonly #handlers = new Handlers();
  /** Slices that are open, outermost first. */
  readonly #open: Slice[][];

  constructor(cores: number) {
    this.#open = Array.from({ length: cores }, () => []);
  }

  /** A step begins. A drain is no work of the core's code. */
  step({ core, choice, symbol }: TraceStep): SliceChange {
    const open = this.#of(core);
    const name = functionOf(symbol);
    const last = open.at(-1);
    if (choice !== 'step' || (last?.category === 'function' && last.name === name)) return NOTHING;
    const ended = last?.category === 'function' ? 1 : 0;
    open.length -= ended;
    const begun: Slice = { name, category: 'function' };
    open.push(begun);
    return { ended, begun: [begun] };
  }

  /** Something happened: a handler may be entered or left. */
  next(h: Happening): SliceChange {
    const { entered, left } = this.#handlers.next(h);
    const open = this.#of(h.core);
    if (entered !== undefined) {
      const begun: Slice = { name: entered.name, category: 'handler' };
      open.push(begun);
      return { ended: 0, begun: [begun] };
    }
    if (left.length === 0) return NOTHING;
    let handlers = left.length;
    let ended = 0;
    while (handlers > 0) {
      ended++;
      if (open.pop()?.category !== 'function') handlers--;
    }
    return { ended, begun: [] };
  }

  /** The trace ends. */
  close(core: number): SliceChange {
    return { ended: this.#of(core).splice(0).length, begun: [] };
  }

  #of(core: number): Slice[] {
    return this.#open[core] as Slice[];
  }
}
