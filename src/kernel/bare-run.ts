import { Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { Activity, IF } from '../isa/core-state.ts';
import { pollTimer } from '../machine/apic.ts';
import type { Core } from '../machine/core.ts';
import type { PcState } from '../machine/devices/pc/pc.ts';
import { accept, deliverable } from '../machine/interrupts.ts';
import type { BareMachine } from './bare.ts';
import { type BareTrap, watchTraps } from './bare-trap.ts';

/** Instructions that a core runs before the next one's turn, while several can run. */
export const BARE_SLICE = 1_000;
/** The same while only one can. */
const BARE_LONE_SLICE = 100_000;
/** The same on a PC, whose programs wait for its timer: time stands still during a turn. */
const PC_LONE_SLICE = 4_000;

/** How a core ended, or where it stands when the run ended first. */
export type BareEnd =
  /** It wrote a code to the debug-exit port. */
  | { readonly kind: 'exited'; readonly code: number }
  /** HLT, and nothing is left that could wake it. */
  | { readonly kind: 'halted' }
  /** Another core sent it INIT; a startup IPI starts it on a PC only. */
  | { readonly kind: 'parked' }
  /** Of a PC: nobody has sent it INIT and a startup IPI. */
  | { readonly kind: 'waiting' }
  /** The guest asked for a reset of the machine. */
  | { readonly kind: 'reset' }
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

/** Where a run by turns is, besides the machine itself: what must be restored with it to go on from there. */
export interface BareState {
  /** Whose turn it is, and the instructions that are left of it; no core before the first round. */
  readonly core: number;
  readonly rest: number;
  /** Instructions of a turn in this round. */
  readonly slice: number;
  readonly used: readonly number[];
  readonly ticks: bigint;
  readonly traps: readonly (BareTrap | undefined)[];
  readonly hasEnded: boolean;
  readonly serialBytes: number;
  /** Devices of a PC. */
  readonly pc: PcState | undefined;
  readonly hasReset: boolean;
}

/**
 * All cores by turns, in the order of their numbers. Nothing is left to chance: the same image gives the same run, in pieces of any size. A pending interrupt is
 * taken at the start of a turn, after a system instruction (POPF, HLT, WRMSR...), and one instruction after an STI. Virtual time, which RDTSC reads and
 * timers count, is the number of instructions of all cores; when all wait, it jumps to the next timer. Throws `TextpokeError` `E_INSN` and `E_GUEST`
 * when the guest does what the machine cannot.
 */
export class BareRun {
  readonly bare: BareMachine;
  readonly #used: number[];
  readonly #traps: (BareTrap | undefined)[];
  #core: number;
  #rest = 0;
  #slice = 0;
  /** Instructions that a core was given and has not accounted for. */
  #asked = 0;
  #hasEnded = false;

  constructor(bare: BareMachine) {
    this.bare = bare;
    this.#used = bare.machine.cores.map(() => 0);
    this.#traps = watchTraps(bare);
    // A round begins behind the last core's turn.
    this.#core = bare.machine.cores.length - 1;
  }

  /** No core can go on. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Instructions of all cores so far; right also for whoever is asked in the middle of `advance`. */
  get instructions(): number {
    return this.#used.reduce((a, b) => a + b, this.#asked === 0 ? 0 : this.#asked - this.bare.machine.left);
  }

  /** A turn has ended, or the run has not begun. */
  get isBetweenTurns(): boolean {
    return this.#rest <= 0;
  }

  /** A round of turns has ended, or the run has not begun. */
  get isBetweenRounds(): boolean {
    return this.isBetweenTurns && this.#core === this.bare.machine.cores.length - 1;
  }

  get state(): BareState {
    return {
      core: this.#core,
      rest: this.#rest,
      slice: this.#slice,
      used: [...this.#used],
      ticks: this.bare.machine.ticks,
      traps: [...this.#traps],
      hasEnded: this.#hasEnded,
      serialBytes: this.bare.serialBytes,
      pc: this.bare.pc?.state,
      hasReset: this.bare.hasReset,
    };
  }

  set state(state: BareState) {
    this.#core = state.core;
    this.#rest = state.rest;
    this.#slice = state.slice;
    this.#hasEnded = state.hasEnded;
    this.bare.machine.ticks = state.ticks;
    this.bare.serialBytes = state.serialBytes;
    if (this.bare.pc !== undefined && state.pc !== undefined) this.bare.pc.state = state.pc;
    this.bare.hasReset = state.hasReset;
    this.#asked = 0;
    state.used.forEach((n, core) => {
      this.#used[core] = n;
    });
    state.traps.forEach((trap, core) => {
      this.#traps[core] = trap;
    });
  }

  /** Goes on for at most `limit` instructions, and not beyond the end of a turn. Gives how many there were: 0 also where a turn ends without one. */
  advance(limit: number): number {
    const { machine } = this.bare;
    if (this.isBetweenTurns && !this.#nextTurn()) return 0;
    if (limit <= 0) return 0;
    const core = machine.cores[this.#core] as Core;
    // What is pending must get its chance in the one instruction between STI and CLI.
    const most = core.small('interruptShadow') === 0 ? Math.min(this.#rest, limit, untilTimer(this.bare, core)) : Math.min(1, limit);
    this.#asked = most;
    const stop = machine.runCore(core, most);
    this.#asked = 0;
    if (stop !== Stop.budget && stop !== Stop.system && stop !== Stop.idle) {
      throw new TextpokeError('E_INTERNAL', `a core stopped for reason ${stop}`, { where: machine.describe(core) });
    }
    const done = most - machine.left;
    this.#used[core.index] = (this.#used[core.index] as number) + done;
    this.#rest -= done;
    machine.ticks += BigInt(done);
    this.#look(core);
    return done;
  }

  /** Whoever is next begins its turn. False when nobody ever can. */
  #nextTurn(): boolean {
    const { machine } = this.bare;
    if (this.#core === machine.cores.length - 1) {
      const able = machine.cores.filter((c) => c.small('activity') === Activity.running || deliverable(machine, c) !== undefined);
      this.#hasEnded = able.length === 0 && !jumpToTimer(this.bare);
      if (this.#hasEnded) return false;
      this.#slice = able.length > 1 ? BARE_SLICE : this.bare.pc === undefined ? BARE_LONE_SLICE : PC_LONE_SLICE;
    }
    this.#core = (this.#core + 1) % machine.cores.length;
    this.#rest = this.#slice;
    this.#look(machine.cores[this.#core] as Core);
    return !this.isBetweenTurns;
  }

  /** Takes what is pending; a core that does not run any more has ended its turn. */
  #look(core: Core): void {
    this.bare.pc?.poll();
    pollTimer(this.bare.machine, core);
    accept(this.bare.machine, core);
    if (core.small('activity') !== Activity.running) this.#rest = 0;
  }

  /** How each core ended, or where it stands. */
  get cores(): BareCoreResult[] {
    return this.bare.machine.cores.map((core) => ({
      core: core.index,
      end: endOf(this.bare, core, this.#traps[core.index], this.#used[core.index] as number),
      instructions: this.#used[core.index] as number,
    }));
  }
}

/** Runs all cores by turns (`BareRun`) until none can go on or the budget is spent. */
export function runBare(bare: BareMachine, options: BareRunOptions): BareResult {
  const turns = bareTurns(bare, options);
  for (;;) {
    const { done, value } = turns.next();
    if (done === true) return value;
  }
}

/** The same, pausing now and then, so that whoever runs it can look after other things. */
export function* bareTurns(bare: BareMachine, options: BareRunOptions): Generator<undefined, BareResult> {
  const run = new BareRun(bare);
  let left = options.maxInstructions;
  let cause: BareResult['cause'] | undefined;
  while (cause === undefined) {
    if (run.isBetweenRounds && options.stop?.() === true) cause = 'stopped';
    else {
      left -= run.advance(left);
      if (run.isBetweenTurns) {
        options.turn?.();
        yield;
      }
      if (run.hasEnded) cause = 'ended';
      else if (left <= 0 && bare.machine.cores.some((c) => c.small('activity') === Activity.running)) cause = 'budget';
    }
  }
  return { cause, cores: run.cores, instructions: options.maxInstructions - left };
}

/** Instructions until a timer is due that may interrupt the core, as the timers stand; 1 at least. */
function untilTimer({ machine, pc }: BareMachine, core: Core): number {
  const deadline = core.get('apicTimerDeadline');
  const own = deadline > machine.ticks ? Number(deadline - machine.ticks) : Number.MAX_SAFE_INTEGER;
  return Math.max(1, Math.min(own, pc?.untilTimer ?? Number.MAX_SAFE_INTEGER));
}

/** All cores wait: virtual time goes on until a timer wakes one. False when none ever does. */
function jumpToTimer(bare: BareMachine): boolean {
  const { machine } = bare;
  const waiting = machine.cores.filter((core) => core.small('activity') === Activity.halted && (core.small('flagSystem') & IF) !== 0);
  const wakes = bare.pc?.untilTimer;
  if (wakes !== undefined && waiting.some((core) => core.index === 0) && !isAnyBefore(machine.ticks + BigInt(wakes), waiting)) {
    machine.ticks += BigInt(wakes);
    bare.pc?.poll();
    if (deliverable(machine, waiting[0] as Core) !== undefined) return true;
  }
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

/** Whether the timer of a core that waits is due before a tick. */
function isAnyBefore(tick: bigint, waiting: readonly Core[]): boolean {
  return waiting.some((core) => core.get('apicTimerDeadline') !== 0n && core.get('apicTimerDeadline') < tick);
}

function endOf(bare: BareMachine, core: Core, trap: BareTrap | undefined, used: number): BareEnd {
  if (trap !== undefined) return { kind: 'trapped', trap };
  if (bare.hasReset) return { kind: 'reset' };
  switch (core.small('activity')) {
    case Activity.exited:
      return { kind: 'exited', code: core.small('exitCode') };
    case Activity.halted:
      return { kind: 'halted' };
    case Activity.waitForSipi:
      return { kind: bare.pc !== undefined && used === 0 ? 'waiting' : 'parked' };
    default:
      return { kind: 'running', rip: core.linearRip };
  }
}
