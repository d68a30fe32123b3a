import type { Goal } from '../debug/timeline/debugger.ts';
import type { Core } from '../machine/core.ts';
import { readLinear } from '../machine/look.ts';
import type { Breakpoints } from './breakpoints.ts';
import type { Target } from './target.ts';

const INT3 = 0xcc;

/**
 * Where gdb is told to set a breakpoint on an INT3 that is in memory, it takes that for one which somebody has compiled in, and believes that a core can go on
 * behind it: it writes RIP, and steps by going on to a breakpoint right there. Here the INT3 is the guest's, and the core will execute it.
 */
export class GuestInt3 {
  readonly #target: Target;
  readonly #breakpoints: Breakpoints;
  readonly #skipped = new Set<number>();

  constructor(target: Target, breakpoints: Breakpoints) {
    this.#target = target;
    this.#breakpoints = breakpoints;
  }

  /** Whether a write of RIP is that. The core stays where it is. */
  skips(core: Core, rip: bigint): boolean {
    const here = core.linearRip;
    if (rip !== here + 1n || readLinear(this.#target.timeline.machine, core, here, 1)[0] !== INT3) return false;
    this.#skipped.add(core.index);
    return true;
  }

  /** What is meant by going on to there: one instruction. */
  meant(goal: Goal, core: number): Goal {
    const { linearRip } = this.#target.timeline.machine.cores[core] as Core;
    const steps = this.#skipped.has(core) && goal.kind === 'continue' && this.#breakpoints.has(linearRip + 1n);
    this.#skipped.clear();
    return steps ? { kind: 'instruction', core } : goal;
  }
}
