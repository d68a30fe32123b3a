import type { Instruction, Size } from '../isa/instruction.ts';
import type { RecordFields } from '../isa/record.ts';
import type { AccessKind } from '../isa/vocabulary.ts';

/**
 * What the reference needs of a machine. Addresses are linear, values unsigned. Methods may throw, a `GuestEvent` for a guest's fault
 * or anything else to stop; then nothing of the instruction has happened in the core's block.
 */
export interface ReferencePort {
  /**
   * Reads `size` bits. With `modify` the access is checked as a write would be. `kind` is 'stack' where a non-canonical address raises
   * #SS instead of #GP; never 'operand' or 'destination'.
   */
  load(address: bigint, size: Size, kind: AccessKind, modify: boolean): bigint;
  store(address: bigint, size: Size, value: bigint, kind: AccessKind): void;
  /** Before the first access of an instruction with LOCK (or XCHG with memory): its accesses from here to its last store are atomic. */
  lockBegin(address: bigint, size: Size): void;
  drainStoreBuffer(): void;
  /** Throws what a store of `bytes` bytes would throw, and stores nothing. */
  probe(address: bigint, bytes: number, kind: AccessKind): void;
  /** The extended state is going to be used. */
  useExtended(): void;
  /** Does a whole system instruction, RIP included: the block's RIP is still that of the instruction. */
  system(i: Instruction, f: RecordFields): void;
}

/** An exception or software interrupt that an instruction raised, as a value. */
export class GuestEvent {
  /** A fault happens instead of the instruction, a trap after it; 'software' is INT n, whose gate's privilege is checked. */
  readonly kind: 'fault' | 'trap' | 'software';
  readonly vector: number;
  /** Undefined where the vector has none, or where the machine knows it (INT n). */
  readonly errorCode: bigint | undefined;
  /** Address of the instruction after this one: what traps and software interrupts save. */
  readonly nextRip: bigint;

  constructor(kind: GuestEvent['kind'], vector: number, errorCode: bigint | undefined, nextRip: bigint) {
    this.kind = kind;
    this.vector = vector;
    this.errorCode = errorCode;
    this.nextRip = nextRip;
  }
}
