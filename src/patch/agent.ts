import { CORE, Stop } from '../engine/layout.ts';
import { sendIpi } from '../machine/apic-ipi.ts';
import { AccessStopped, type Core } from '../machine/core.ts';
import type { MachineParts } from '../machine/parts.ts';
import type { Mark, Operation } from './operation.ts';
import type { Program, ProgramNode } from './program.ts';

/** Answers of the stub's hypercall, in rax: the patcher has ended; step again; anything else is a function to call first. */
const ENDED = 0n;
const MORE = 1n;

/**
 * Runs a patcher on a core: each execution of the stub's hypercall performs the patcher's next operation as an operation of that core, so that
 * its store buffer, interrupt flag, interrupts and NMIs apply to it as to any code.
 */
export class PatcherAgent {
  readonly #machine: () => MachineParts;
  readonly #program: Program;
  readonly #onMark: (core: Core, mark: Mark) => void;

  constructor(machine: () => MachineParts, program: Program, onMark: (core: Core, mark: Mark) => void) {
    this.#machine = machine;
    this.#program = program;
    this.#onMark = onMark;
  }

  /** Where the patcher on `core` is. */
  at(core: Core): ProgramNode {
    return this.#program.node(core.raw(CORE.agentNode));
  }

  /** The hypercall: 0 done, 1 the core waits, 2 a visible operation has no budget. Throws `AccessStopped` from memory accesses. */
  step(core: Core): 0 | 1 | 2 {
    const node = this.at(core);
    if (node.next === undefined) {
      core.setGpr(0, ENDED);
      return 0;
    }
    const outcome = this.#perform(core, node.next);
    if (typeof outcome !== 'bigint') return outcome;
    const after = this.#program.after(node, outcome);
    core.setRaw(CORE.agentNode, after.number);
    core.setRawLong(CORE.agentHash, after.hash[0]);
    core.setRawLong(CORE.agentHash + 8, after.hash[1]);
    core.setGpr(0, node.next.do === 'call' ? node.next.address : after.next === undefined ? ENDED : MORE);
    return 0;
  }

  /** Whether the condition that the patcher waits for holds in memory, and its own stores are there. */
  ready(core: Core): boolean {
    const { next } = this.at(core);
    return next?.do === 'wait' && this.#holds(core, next);
  }

  #holds(core: Core, wait: Extract<Operation, { do: 'wait' }>): boolean {
    return core.look(wait.address, wait.bytes) === wait.value;
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
        sendIpi(machine, core, { vector: op.vector, shorthand: 'all-excluding-self' });
        return 0n;
      case 'wait':
        if (!this.#holds(core, op)) return 1;
        if (!machine.takeVisible(core)) return 2;
        return 0n;
      case 'call':
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
