import { Decoder, FlowControl } from 'iced-x86';
import type { Direction, Request, Stopped } from '../debug/timeline/debugger.ts';
import { stackOf } from '../debug/timeline/stack.ts';
import { TextpokeError } from '../error.ts';
import { RSP } from '../isa/core-state.ts';
import type { Core } from '../machine/core.ts';
import { readLinear } from '../machine/look.ts';
import { isProtected } from '../machine/segmentation.ts';
import type { Breakpoints } from './breakpoints.ts';
import type { Run } from './run.ts';
import type { Sources } from './sources.ts';

/** FLAGS, CS and IP: what INT pushes in real mode. */
const REAL_INT_BYTES = 6n;

/** A run that goes on in slices: undefined after each, and what stopped it at last. */
export type Going = Generator<undefined, Stopped>;

/** What a request to step says. */
export interface Step {
  readonly core: number;
  /** Whole source lines, where there are some. */
  readonly byLine: boolean;
  /** The core moves alone, as far as that can be. */
  readonly alone: boolean;
}

/** Stepping by instructions and lines, into functions, over them and out of them, both ways. */
export class Stepping {
  readonly #run: Run;
  readonly #sources: Sources;
  readonly #breakpoints: Breakpoints;
  readonly #say: (text: string) => void;

  constructor(run: Run, sources: Sources, breakpoints: Breakpoints, say: (text: string) => void) {
    this.#run = run;
    this.#sources = sources;
    this.#breakpoints = breakpoints;
    this.#say = say;
  }

  /** Goes on until something stops it that the client wants to stop at. */
  *resume(request: Request): Going {
    for (;;) {
      const stopped = yield* this.#once(request);
      if (this.#counts(stopped)) return stopped;
      // The step itself ended where a breakpoint was that does not count.
      const { goal } = request;
      if (goal.kind !== 'continue' && stopped.why === 'breakpoint' && stopped.core === goal.core) return { why: 'step', core: goal.core };
    }
  }

  #counts(stopped: Stopped): boolean {
    if (stopped.why !== 'breakpoint' && stopped.why !== 'watch') return true;
    return this.#breakpoints.stopping(stopped, this.#say).length > 0;
  }

  *#once(request: Request): Going {
    for (const stopped of this.#run.debug.slices(request)) {
      if (stopped !== undefined) return stopped;
      yield undefined;
    }
    throw new TextpokeError('E_INTERNAL', 'a run came to no stop', { where: this.#run.place });
  }

  /** One instruction or line: `in` stops in functions that it calls, `over` behind them. */
  *step(how: 'in' | 'over', { core, byLine, alone }: Step): Going {
    const c = this.#run.core(core);
    let line = byLine ? this.#sources.lineOf(c.linearRip) : undefined;
    for (;;) {
      const call = this.#flow(c);
      const depth = c.gpr(RSP);
      const moved = yield* this.resume({ direction: 'forward', goal: { kind: 'instruction', core }, ...(alone && { locked: core }) });
      if (moved.why !== 'step') return moved;
      // A call that faults pushes something else.
      const entered = call.kind === 'call' && c.gpr(RSP) === depth - call.pushes && c.linearRip !== call.next;
      if (entered && (how === 'over' || (line !== undefined && this.#sources.lineOf(c.linearRip) === undefined))) {
        const back = yield* this.#runTo(call.next, 'forward', core, alone, () => c.gpr(RSP) >= depth);
        if (back.why !== 'step') return back;
      }
      if (line === undefined) return moved;
      const here = this.#sources.lineOf(c.linearRip);
      if (here === undefined) return moved;
      if (here === line) continue;
      if (this.#sources.startsLine(c.linearRip)) return moved;
      // In the middle of a line that a function has come back to: that line goes on.
      line = here;
    }
  }

  /** To where the innermost function came from. */
  *out({ core, alone }: Step): Going {
    const caller = this.#caller(core);
    const c = this.#run.core(core);
    return yield* this.#runTo(caller.rip, 'forward', core, alone, () => c.gpr(RSP) >= caller.rsp);
  }

  #caller(core: number): { readonly rip: bigint; readonly rsp: bigint } {
    const [, frame] = stackOf(this.#run.timeline, this.#run.core(core), this.#run.sites);
    const rsp = frame?.registers.get(RSP);
    if (frame !== undefined && rsp !== undefined) return { rip: frame.rip, rsp };
    if (this.#run.core(core).mode !== 0) {
      throw new TextpokeError('E_USAGE', 'the stack of 16- and 32-bit code is not followed to who called', {
        where: `CPU${core} at ${this.#run.place}`,
        hint: 'step over the call, or set a breakpoint behind it',
      });
    }
    throw new TextpokeError('E_USAGE', `nothing called what CPU${core} executes, ${this.#run.code(this.#run.core(core).linearRip)}`, {
      where: `CPU${core} at ${this.#run.place}`,
      hint: 'continue, or step on',
    });
  }

  /** Throws when there is nowhere to go out to. */
  checkOut(core: number): void {
    this.#caller(core);
  }

  /** Back before the last instruction of the core, or to the start of the line before. Functions that it returned from are gone back over. */
  *back({ core, byLine }: Step): Going {
    const c = this.#run.core(core);
    const over = byLine && this.#sources.lineOf(c.linearRip) !== undefined;
    const first = yield* this.#backOne(core, over);
    if (first.why !== 'step' || !over) return first;
    const line = this.#sources.lineOf(c.linearRip);
    if (line === undefined) return first;
    for (;;) {
      const here = this.#run.timeline.position;
      const again = yield* this.#backOne(core, true);
      if (again.why === 'begin') return first;
      if (again.why !== 'step') return again;
      if (this.#sources.lineOf(c.linearRip) === line) continue;
      this.#run.timeline.goto(here);
      return first;
    }
  }

  *#backOne(core: number, over: boolean): Going {
    const c = this.#run.core(core);
    const moved = yield* this.resume({ direction: 'back', goal: { kind: 'instruction', core } });
    const entry = this.#run.image.symbolAt(c.linearRip)?.symbol.address;
    if (!over || moved.why !== 'step' || this.#flow(c).kind !== 'return' || entry === undefined) return moved;
    const depth = c.gpr(RSP);
    const begin = c.linearRip === entry ? moved : yield* this.#runTo(entry, 'back', core, false, () => c.gpr(RSP) === depth);
    if (begin.why !== 'step') return begin;
    return yield* this.resume({ direction: 'back', goal: { kind: 'instruction', core } });
  }

  *#runTo(address: bigint, direction: Direction, core: number, alone: boolean, there: () => boolean): Going {
    const once = (): Going => this.#once({ direction, goal: { kind: 'continue' }, ...(alone && { locked: core }) });
    const arrive = function* (this: Stepping): Going {
      for (;;) {
        const stopped = yield* once();
        if (stopped.why === 'breakpoint' && stopped.address === address && stopped.core === core && there()) return { why: 'step', core };
        if (this.#counts(stopped)) return stopped;
      }
    };
    return yield* this.#breakpoints.temporarily(address, () => arrive.call(this));
  }

  /**
   * What the instruction in memory at the core's RIP does to control, the address behind it, and by how much a call moves the stack pointer. INT is a call in real mode, where it
   * asks the BIOS for something.
   */
  #flow(core: Core): { readonly kind: 'call' | 'return' | 'other'; readonly next: bigint; readonly pushes: bigint } {
    const { linearRip, codeSize } = core;
    const decoder = new Decoder(codeSize, readLinear(this.#run.timeline.machine, core, linearRip, 15, 'memory'), 0);
    decoder.ip = core.rip;
    const instruction = decoder.decode();
    const { flowControl, length, stackPointerIncrement } = instruction;
    instruction.free();
    decoder.free();
    const next = BigInt.asUintN(64, linearRip + BigInt(length));
    if (flowControl === FlowControl.Interrupt && !isProtected(core)) return { kind: 'call', next, pushes: REAL_INT_BYTES };
    const kind =
      flowControl === FlowControl.Call || flowControl === FlowControl.IndirectCall
        ? 'call'
        : flowControl === FlowControl.Return
          ? 'return'
          : 'other';
    return { kind, next, pushes: BigInt(-stackPointerIncrement) };
  }
}
