import { readFileSync } from 'node:fs';
import { CORE } from '../../src/engine/layout.ts';
import { Activity, RSP } from '../../src/isa/core-state.ts';
import { PageTables } from '../../src/kernel/page-tables.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import type { VectorKernel } from './vector-kernels.ts';

/** Where the flat images are linked (fixtures/bench/bench.lds), and the machine that they run on: identity-mapped memory at CPL 0. */
export const LOAD_AT = 0x100000;
export const STACK_TOP = 0x7f0000;
export const RAM_BYTES = 0x800000;
const TABLES_AT = 0x10000;
const TABLES_END = 0x40000;
/** A slice between two looks of the machine: V8 cannot replace code inside a running wasm loop. */
const SLICE = 200_000;

/** The four kernels of fixtures/bench. */
export const KERNELS = ['crc', 'sieve', 'hash', 'fib'] as const;
/** Others: calls between functions on pages of their own, and `hash` with its data on the page of its code. */
const OTHER_KERNELS = ['far', 'beside'] as const;
export type Kernel = (typeof KERNELS)[number] | (typeof OTHER_KERNELS)[number] | VectorKernel;

export const flatImage = (kernel: Kernel): Uint8Array => readFileSync(new URL(`../../fixtures/bench/${kernel}.bin`, import.meta.url));

/** A machine with TLB, undo journal and state hash on, in long mode, about to run a program of flat bytes. */
export class GuestMachine {
  readonly machine: Machine;
  readonly #image: Uint8Array;
  readonly #memory: Uint8Array;

  constructor(image: Uint8Array, options: Partial<MachineOptions> = { journal: true }) {
    this.machine = new Machine({ cores: 1, ramBytes: RAM_BYTES, ...options });
    this.#image = image;
    const tables = new PageTables(
      (at) => {
        const page = this.machine.peek(at, 4096);
        return new DataView(page.buffer, page.byteOffset, 4096);
      },
      TABLES_AT,
      TABLES_END,
    );
    const root = tables.table();
    for (let at = 0; at < RAM_BYTES; at += 4096) tables.map(root, BigInt(at), at, { writable: true, executable: true });
    for (const core of this.machine.cores) {
      core.set('cr0', 0x80010033n);
      core.set('cr3', BigInt(root));
      core.setRawLong(CORE.homeCr3, BigInt(root));
      // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE: kernels may use vectors.
      core.set('cr4', 0x40620n);
      core.set('xcr0', 7n);
      core.set('efer', 0xd00n);
      core.set('cs', 0x10n);
      core.set('ss', 0x18n);
    }
    this.#memory = this.machine.peek(LOAD_AT, RAM_BYTES - LOAD_AT);
  }

  /** Memory and registers as at the start of the program. */
  start(): void {
    const core = this.machine.cores[0]!;
    this.#memory.fill(0, this.#image.length);
    // What the program changed of its own bytes may be code.
    this.#image.forEach((byte, n) => {
      if (this.#memory[n] !== byte) this.machine.writePhysical(LOAD_AT + n, 1, BigInt(byte));
    });
    for (let n = 0; n < 16; n++) core.setGpr(n, 0n);
    core.rip = BigInt(LOAD_AT);
    core.setGpr(RSP, BigInt(STACK_TOP));
    core.rflags = 2;
    core.setSmall('activity', Activity.running);
  }

  /** Runs the kernel from its start to HLT, `between` slices of instructions something else: what rax holds and how many instructions that took. */
  run(slice = SLICE, between: () => void = () => {}): { rax: bigint; instructions: number } {
    const machine = this.machine;
    const core = machine.cores[0]!;
    this.start();
    let instructions = 0;
    while (core.activity === Activity.running) {
      machine.runCore(core, slice);
      instructions += slice - machine.left;
      between();
    }
    return { rax: core.gpr(0), instructions };
  }
}
