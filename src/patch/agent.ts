import { CORE, Stop } from '../engine/layout.ts';
import { R8, R9, RCX, RDI, RDX, RSI } from '../isa/core-state.ts';
import { sendIpi } from '../machine/apic-ipi.ts';
import { AccessStopped, type Core } from '../machine/core.ts';
import type { MachineParts } from '../machine/parts.ts';
import type { Mark, Operation, Word } from './operation.ts';
import type { Program, ProgramNode } from './program.ts';

/** Answers of the stub's hypercall, in rax: the patcher has ended; step again; anything else is a function to call first. */
const ENDED = 0n;
const MORE = 1n;

/** Where a function finds its arguments (System V ABI). */
const ARGUMENTS: readonly number[] = [RDI, RSI, RDX, RCX, R8, R9];

/**
 * Runs a patcher on a core: each execution of the stub's hypercall performs the patcher's next operation as an operation of that core, so that
 * its store buffer, interrupt flag, interrupts and NMIs apply to it as to any code.
 */
export class PatcherAgent {
  readonly #machine: () => MachineParts;
  readonly #program: Program;
  readonly #onMark: (core: Core, mark: Mark) => void;
  /** Where the stub's hypercall is: known since the core came to its first operation. */
  #hypercallAt = -1n;

  constructor(machine: () => MachineParts, program: Program, onMark: (core: Core, mark: Mark) => void) {
    this.#machine = machine;
    this.#program = program;
    this.#onMark = onMark;
  }

  /** Where the patcher on `core` is. */
  at(core: Core): ProgramNode {
    return this.#program.node(core.raw(CORE.agentNode));
  }

  /** The function that the patcher called has returned: the hypercall behind it. */
  returned(core: Core): 0 {
    const node = this.at(core);
    this.#advance(core, node, core.gpr(RDI));
    core.setGpr(RDI, 0n);
    return 0;
  }

  #advance(core: Core, node: ProgramNode, answer: bigint): void {
    const after = this.#program.after(node, answer);
    core.setRaw(CORE.agentNode, after.number);
    core.setRawLong(CORE.agentHash, after.hash[0]);
    core.setRawLong(CORE.agentHash + 8, after.hash[1]);
    core.setGpr(0, after.next === undefined ? ENDED : MORE);
  }

  /** The hypercall: 0 done, 1 the core waits, 2 a visible operation has no budget. Throws `AccessStopped` from memory accesses. */
  step(core: Core): 0 | 1 | 2 {
    this.#hypercallAt = core.rip;
    const node = this.at(core);
    if (node.next === undefined) {
      core.setGpr(0, ENDED);
      return 0;
    }
    const outcome = this.#perform(core, node.next);
    if (typeof outcome !== 'bigint') return outcome;
    // A call is answered when it has returned.
    if (node.next.do === 'call') core.setGpr(0, node.next.address);
    else this.#advance(core, node, outcome);
    return 0;
  }

  /** Whether the core is at the stub's hypercall and what the patcher waits for there does not hold, as the core sees memory. */
  waits(core: Core): boolean {
    if (core.rip !== this.#hypercallAt) return false;
    const { next } = this.at(core);
    return (next?.do === 'wait' || next?.do === 'await') && !this.#holds(core, next);
  }

  #holds(core: Core, wait: Extract<Operation, { do: 'wait' | 'await' }>): boolean {
    const look = (word: Word): bigint => core.look(word.address, word.bytes);
    return wait.do === 'wait' ? look(wait) === wait.value : wait.until(wait.words.map(look));
  }

  /** What the operation gives, or how it stopped. */
  #perform(core: Core, op: Operation): bigint | 1 | 2 {
    const machine = this.#machine();
    switch (op.do) {
      case 'store':
        core.store(op.address, op.bytes, op.value);
        return 0n;
      case 'load':
        return core.load(op.address, op.bytes);
      case 'add': {
        core.lockBegin(op.address, op.bytes);
        const old = core.load(op.address, op.bytes, 'data', true);
        core.store(op.address, op.bytes, BigInt.asUintN(op.bytes * 8, old + op.value));
        return old;
      }
      case 'serialize':
        if (core.raw(CORE.storeBufferCount) !== 0) return this.#drain(machine);
        if (machine.serializeIsVisible(core) && !machine.takeVisible(core)) return 2;
        machine.serialize(core, op.what);
        return 0n;
      case 'fence':
        return core.raw(CORE.storeBufferCount) !== 0 ? this.#drain(machine) : 0n;
      case 'interrupts':
        if (!op.on && machine.maskingIsVisible(core) && !machine.takeVisible(core)) return 2;
        core.rflags = op.on ? core.rflags | 0x200 : core.rflags & ~0x200;
        return 0n;
      case 'ipi':
        if (!machine.takeVisible(core)) return 2;
        sendIpi(machine, core, {
          vector: op.vector,
          ...(op.target === undefined ? { shorthand: 'all-excluding-self' } : { destination: op.target }),
        });
        return 0n;
      case 'compare-exchange': {
        core.lockBegin(op.address, op.bytes);
        const old = core.load(op.address, op.bytes, 'data', true);
        core.store(op.address, op.bytes, old === op.expected ? op.value : old);
        return old;
      }
      case 'wait':
      case 'await':
        if (!this.#holds(core, op)) return 1;
        if (!machine.takeVisible(core)) return 2;
        return 0n;
      case 'call':
        this.#onMark(core, { kind: 'call', what: op.what });
        (op.args ?? []).forEach((value, n) => core.setGpr(ARGUMENTS[n] as number, BigInt.asUintN(64, value)));
        return 0n;
      case 'mark':
        this.#onMark(core, op.mark);
        return 0n;
    }
  }

  #drain(machine: MachineParts): never {
    machine.engine.globals.stop.value = Stop.drain + 1;
    throw new AccessStopped();
  }
}
