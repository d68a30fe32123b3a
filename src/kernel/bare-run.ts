import { Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { Activity, IF } from '../isa/core-state.ts';
import { pollTimer } from '../machine/apic.ts';
import type { Core } from '../machine/core.ts';
import { accept, deliverable } from '../machine/interrupts.ts';
import type { BareMachine } from './bare.ts';
import { type BareTrap, watchTraps } from './bare-trap.ts';

/** Instructions that a core runs before the next one's turn, while several can run. */
export const BARE_SLICE = 1_000;
/** The same while only one can. */
export const BARE_LONE_SLICE = 100_000;

/** How a core ended, or where it stands when the run ended first. */
export type BareEnd =
  /** It wrote a code to the debug-exit port. */
  | { readonly kind: 'exited'; readonly code: number }
  /** HLT, and nothing is left that could wake it. */
  | { readonly kind: 'halted' }
  /** Another core sent it INIT. A startup IPI does not move it: it would start in real mode. */
  | { readonly kind: 'parked' }
  /** An exception or interrupt reached the first IDT, or none could be delivered any more. */
  | { readonly kind: 'trapped'; readonly trap: BareTrap }
  | { readonly kind: 'running'; readonly rip: bigint };

export interface BareCoreResult {
  readonly core: number;
  readonly end: BareEnd;
  /** Instructions that it executed, those that raised an exception included. */
  readonly instructions: number;
}

export interface BareResult {
  /** `ended`: no core can go on. `budget`: the instructions are spent. Else what `stop` said. */
  readonly cause: 'ended' | 'budget' | 'stopped';
  readonly cores: readonly BareCoreResult[];
  readonly instructions: number;
}

export interface BareRunOptions {
  /** Instructions of all cores together. */
  readonly maxInstructions: number;
  /** Asked before each round of turns; true ends the run. */
  readonly stop?: () => boolean;
  /** Called after each turn: what the serial port took can be shown. */
  readonly turn?: () => void;
}

/**
 * Runs all cores by turns, in the order of their numbers, until none can go on or the budget is spent. Nothing is left to chance: the same image
 * gives the same run. A pending interrupt is taken at the start of a turn, after a system instruction (POPF, HLT, WRMSR...), and one instruction after
 * an STI. Virtual time, which RDTSC reads and timers count, is the number of instructions of all cores; when all wait, it jumps to the
 * next timer. Throws `TextpokeError` `E_INSN` and `E_GUEST` when the guest does what the machine cannot.
 */
export function runBare(bare: BareMachine, options: BareRunOptions): BareResult {
  const { machine } = bare;
  const used = machine.cores.map(() => 0);
  const traps = watchTraps(bare);
  let left = options.maxInstructions;

  const turn = (core: Core, slice: number): void => {
    let rest = Math.min(slice, left);
    pollTimer(machine, core);
    accept(machine, core);
    while (rest > 0 && core.small('activity') === Activity.running) {
      // What is pending must get its chance in the one instruction between STI and CLI.
      const limit = core.small('interruptShadow') === 0 ? Math.min(rest, untilTimer(bare, core)) : 1;
      const stop = machine.runCore(core, limit);
      if (stop !== Stop.budget && stop !== Stop.system && stop !== Stop.idle) {
        throw new TextpokeError('E_INTERNAL', `a core stopped for reason ${stop}`, { where: machine.describe(core) });
      }
      const done = limit - machine.left;
      used[core.index] = (used[core.index] as number) + done;
      rest -= done;
      left -= done;
      machine.ticks += BigInt(done);
      pollTimer(machine, core);
      accept(machine, core);
    }
  };

  let cause: BareResult['cause'] | undefined;
  while (cause === undefined) {
    const able = machine.cores.filter((core) => core.small('activity') === Activity.running || deliverable(machine, core) !== undefined);
    if (able.length === 0 && !jumpToTimer(bare)) cause = 'ended';
    else if (options.stop?.() === true) cause = 'stopped';
    for (const core of machine.cores) {
      if (cause !== undefined) break;
      turn(core, able.length > 1 ? BARE_SLICE : BARE_LONE_SLICE);
      options.turn?.();
      if (left <= 0 && machine.cores.some((c) => c.small('activity') === Activity.running)) cause = 'budget';
    }
  }
  const cores = machine.cores.map(
    (core): BareCoreResult => ({
      core: core.index,
      end: endOf(core, traps[core.index]),
      instructions: used[core.index] as number,
    }),
  );
  return { cause, cores, instructions: options.maxInstructions - left };
}

/** Instructions until the core's timer is due, as the timer stands. */
function untilTimer({ machine }: BareMachine, core: Core): number {
  const deadline = core.get('apicTimerDeadline');
  return deadline > machine.ticks ? Number(deadline - machine.ticks) : Number.MAX_SAFE_INTEGER;
}

/** All cores wait: virtual time goes on until a timer wakes one. False when none ever does. */
function jumpToTimer({ machine }: BareMachine): boolean {
  const waiting = machine.cores.filter((core) => core.small('activity') === Activity.halted && (core.small('flagSystem') & IF) !== 0);
  waiting.sort((a, b) => Number(a.get('apicTimerDeadline') - b.get('apicTimerDeadline')) || a.index - b.index);
  for (const core of waiting) {
    const deadline = core.get('apicTimerDeadline');
    if (deadline === 0n) continue;
    if (deadline > machine.ticks) machine.ticks = deadline;
    pollTimer(machine, core);
    // A timer that is masked, or below the task priority, wakes nobody, however often it comes round.
    if (deliverable(machine, core) !== undefined) return true;
  }
  return false;
}

function endOf(core: Core, trap: BareTrap | undefined): BareEnd {
  if (trap !== undefined) return { kind: 'trapped', trap };
  switch (core.small('activity')) {
    case Activity.exited:
      return { kind: 'exited', code: core.small('exitCode') };
    case Activity.halted:
      return { kind: 'halted' };
    case Activity.waitForSipi:
      return { kind: 'parked' };
    default:
      return { kind: 'running', rip: core.rip };
  }
}
