import type { Register } from 'iced-x86';
import type { Syntax } from './assembler.ts';
import type { Place } from './failure.ts';

/** What the source asks for, with every number known: the thing that bytes are held against. Operands stand in Intel's order. */
export interface Asked {
  /** As the decoder names it, in lower case: `movzx`, `je`, `shl`. */
  readonly mnemonic: string;
  /** As the source has it, for a backend that reads the same syntax. */
  readonly written: string;
  readonly syntax: Syntax;
  readonly lock: boolean;
  readonly repeat: 'none' | 'rep' | 'repne';
  readonly notrack: boolean;
  /** Bits, from an AT&T suffix or because the mnemonic says so; undefined leaves it to the operands. */
  readonly size: number | undefined;
  /** `movabs`: the form with a 64-bit immediate or address. */
  readonly wide: boolean;
  /** `{disp8}` and `{disp32}`: bytes of the displacement. */
  readonly displacementBytes: 1 | 4 | undefined;
  readonly operands: readonly AskedOperand[];
  readonly place: Place;
}

export type AskedOperand =
  | { readonly kind: 'register'; readonly register: Register }
  | { readonly kind: 'immediate'; readonly value: bigint }
  | AskedMemory
  /** A near branch target. */
  | { readonly kind: 'target'; readonly address: bigint; readonly form: BranchForm };

/** `any` is to be relaxed; the other two are what the source or the kind of symbol demands. */
export type BranchForm = 'any' | 'short' | 'near';

export interface AskedMemory {
  readonly kind: 'memory';
  /** Bits, where the source says so. */
  readonly size: number | undefined;
  readonly segment: Register | undefined;
  readonly base: Register | undefined;
  readonly index: Register | undefined;
  readonly scale: number;
  /** Of a RIP-relative operand: what is added to the address of the next instruction. */
  readonly displacement: bigint;
}
