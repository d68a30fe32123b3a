import type { Trace } from '../../debug/happening.ts';
import { GAP } from '../../explore/checkers/nesting.ts';

/** An exception or interrupt that a core is in. */
export interface HandlerFrame {
  /** `#BP`, `SYNC`. */
  readonly name: string;
  /** Where it goes back to. */
  readonly from: string;
  /** Step in which it was taken. */
  readonly at: number;
}

/** A handler from the step that entered it up to and without `to`: the step behind its IRET, or the end of the run. */
export interface HandlerInterval {
  readonly core: number;
  readonly name: string;
  /** 0: entered from outside of all handlers. */
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

interface Change {
  readonly at: number;
  readonly frame: bigint;
  /** Undefined: an IRET. */
  readonly entered: HandlerFrame | undefined;
}

/** Which handlers each core is in, at any place of a run: what was delivered and has not been left by its IRET. */
export class HandlerStacks {
  readonly #changes: readonly Change[][];

  constructor(trace: Trace) {
    this.#changes = Array.from({ length: trace.cores }, () => []);
    for (const { at, happened } of trace.steps) {
      for (const h of happened) {
        const changes = this.#changes[h.core];
        if (h.what === 'exception' || h.what === 'interrupt')
          changes?.push({ at, frame: h.frame, entered: { name: h.name, from: h.rip, at } });
        else if (h.what === 'iret') changes?.push({ at, frame: h.frame, entered: undefined });
      }
    }
  }

  /** From where to where each handler ran, all cores. */
  intervals(count: number): HandlerInterval[] {
    const out: HandlerInterval[] = [];
    for (const [core, changes] of this.#changes.entries()) {
      const open: { frame: bigint; interval: { core: number; name: string; depth: number; from: number; to: number } }[] = [];
      for (const change of changes) {
        if (change.entered !== undefined) {
          const interval = { core, name: change.entered.name, depth: open.length, from: change.at, to: count };
          open.push({ frame: change.frame, interval });
          out.push(interval);
          continue;
        }
        const [left] = open.splice(takenBy(open, change.frame), 1);
        if (left !== undefined) left.interval.to = change.at + 1;
      }
    }
    return out;
  }

  /** Before step `at`, the innermost last. */
  at(core: number, at: number): HandlerFrame[] {
    const stack: { frame: bigint; entered: HandlerFrame }[] = [];
    for (const change of this.#changes[core] ?? []) {
      if (change.at >= at) break;
      if (change.entered !== undefined) stack.push({ frame: change.frame, entered: change.entered });
      else stack.splice(takenBy(stack, change.frame), 1);
    }
    return stack.map((s) => s.entered);
  }
}

/**
 * Index of the handler whose frame an IRET takes: not always the innermost, since tasks interleave. An IRET that only serializes takes none: the index is
 * behind the last then.
 */
function takenBy(handlers: readonly { readonly frame: bigint }[], frame: bigint): number {
  const found = handlers.findLastIndex((h) => h.frame === frame || h.frame - GAP === frame);
  return found < 0 ? handlers.length : found;
}
