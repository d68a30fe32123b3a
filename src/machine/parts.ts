import type { Engine } from '../engine/engine.ts';
import type { Instruction } from '../isa/instruction.ts';
import type { RecordFields } from '../isa/record.ts';
import type { Core } from './core.ts';
import type { CodeRace } from './fetch.ts';
import type { CacheEvent } from './icache.ts';

/**
 * What the parts of the machine (paging, exceptions, system instructions, local APIC, devices) see of it. The machine
 * itself implements this; a part never reaches around it.
 */
export interface MachineParts {
  readonly engine: Engine;
  readonly cores: readonly Core[];
  /** Reads and writes physical memory as the page walker and devices do: no store buffer, no visibility. Journaled and hashed. */
  readPhysical(address: number, bytes: number): bigint;
  writePhysical(address: number, bytes: number, value: bigint): void;
  /**
   * A visible operation of `core` is due (IPI send, serializing event where fetch may be stale, HLT...). False: there is no budget for it, the
   * instruction must stop before it has any effect (`systemVisible`).
   */
  takeVisible(core: Core): boolean;
  /** The core executed a serializing event (SDM Vol. 3, "Serializing Instructions"): nothing stale may be fetched from here on. */
  serialize(core: Core, why: string): void;
  /** Whether a serializing event of `core` changes what it may fetch: then it is a visible operation. */
  serializeIsVisible(core: Core): boolean;
  /** Whether it matters to others when `core` turns its interrupts off: then that is a visible operation. */
  maskingIsVisible(core: Core): boolean;
  /** MFENCE serializes instruction fetch too (AMD). */
  readonly mfenceSerializes: boolean;
  /** Translations of `core` may have changed: forget them. `otherRules`: because CR0, CR4 or EFER says how to translate in another way. */
  flushTlb(core: Core, otherRules?: boolean): void;
  /** Whether accesses of `core` to a page with this info word (`PAGE`) may bypass the slow path: nothing on it can be visible to others. */
  fastPage(core: Core, info: number, physical?: number): boolean;
  /** An observer (trace, checker) wants to know: kinds are documented at `MachineEvent`. */
  emit(event: MachineEvent): void;
  /** Virtual time: what RDTSC reads and the APIC timer counts. */
  readonly ticks: bigint;
  /** Writes to the serial port, debug-exit, hypercalls: what leaves the machine. */
  readonly host: MachineHost;
}

export type MachineEvent =
  | {
      readonly kind: 'exception';
      readonly core: number;
      readonly vector: number;
      readonly errorCode: bigint | undefined;
      readonly rip: bigint;
      readonly frame: bigint;
    }
  | { readonly kind: 'interrupt'; readonly core: number; readonly vector: number; readonly rip: bigint; readonly frame: bigint }
  | { readonly kind: 'iret'; readonly core: number; readonly rip: bigint; readonly frame: bigint }
  | { readonly kind: 'ipi'; readonly core: number; readonly vector: number; readonly targets: readonly number[] }
  | { readonly kind: 'serialize'; readonly core: number; readonly why: string }
  /** The core asked for its own number: CPUID, RDPID, RDTSCP or the APIC id. */
  | { readonly kind: 'identity'; readonly core: number }
  | { readonly kind: 'exit'; readonly core: number; readonly code: number }
  /** An instruction of patched text was fetched. */
  | {
      readonly kind: 'fetch';
      readonly core: number;
      readonly rip: bigint;
      readonly bytes: Uint8Array;
      readonly stale: boolean;
      readonly race: CodeRace | undefined;
    }
  /** Patched text changed in memory. */
  | { readonly kind: 'text'; readonly core: number; readonly physical: number; readonly size: number }
  /** Something happened to a line (by its physical address) of a core's instruction cache. */
  | { readonly kind: 'icache'; readonly core: number; readonly what: CacheEvent; readonly line: number }
  /** A core is about to run the instruction at a hooked address. */
  | { readonly kind: 'hook'; readonly core: number; readonly address: bigint }
  | { readonly kind: 'shutdown'; readonly core: number; readonly rip: bigint; readonly why: string };

export interface MachineHost {
  /** A byte written to the serial port. */
  serial(core: Core, byte: number): void;
  /**
   * VMCALL: the lab's hypercall. 0 done (RIP moves on), 1 nothing happened and the core waits (`Stop.wait`), 2 there was no budget for a visible
   * operation. Absent: VMCALL is #UD.
   */
  hypercall?(core: Core): 0 | 1 | 2;
  /** A startup IPI reached a core that waits for one: gives it registers and makes it run. Absent: the core stays parked. */
  startup?(core: Core, vector: number): void;
  /** What CPUID leaf 0 says, 12 characters, in place of the machine's own name: C libraries choose vector code on processors whose maker they know. */
  readonly vendor?: string | undefined;
  /** What answers the I/O ports in place of the serial line alone, and the interrupt controller that is wired to the cores besides their local APICs. */
  readonly ports?: PortDevices | undefined;
  /** Whether a core is at a hypercall that would make it wait (1) now. */
  waits?(core: Core): boolean;
}

/** Devices at I/O ports, of which some interrupt. */
export interface PortDevices {
  read(port: number, bytes: number): bigint;
  write(core: Core, port: number, bytes: number, value: bigint): void;
  /** Vector of the interrupt that `core` is asked to take; undefined when there is none. */
  pending(core: Core): number | undefined;
  /** A core takes what was pending. */
  acknowledge(): void;
}

/** What a system instruction did: see `Engine.system`. */
export type SystemOutcome =
  /** Done; RIP goes to the next instruction unless the helper set it (`jumped`). */
  | 'next'
  /** Done and RIP is set. */
  | 'jumped'
  /** Done, RIP goes to the next instruction, and the machine must look at the core before the next one (IF, TF, shadow, activity, CPL changed). */
  | 'nextAndLook'
  | 'jumpedAndLook'
  /** Nothing happened: stop before it (`takeVisible` said no). */
  | 'visible'
  /** Nothing happened: the store buffer must drain first. */
  | 'drain'
  /** Nothing happened: a patcher's condition does not hold yet. */
  | 'wait';

/** A system instruction: throws `GuestFault` for a fault, `AccessStopped` when a memory access stopped. */
export type SystemHelper = (
  machine: MachineParts,
  core: Core,
  instruction: Instruction,
  fields: RecordFields,
  next: bigint,
) => SystemOutcome;
