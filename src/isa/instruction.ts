import type { CodeSize } from './mode.ts';

/**
 * What is known of an instruction before it runs: its static form. Two instructions of one form share a semantics
 * function call and a generated handler; what differs between them (which register, which displacement) stands in the
 * record.
 */

/** Bits of an operand or address. 80 is an x87 register in memory, 256 a YMM register. */
export type Size = 8 | 16 | 32 | 64 | 80 | 128 | 256;

export type Operand =
  /** `slot` is which of the record's three register fields holds it. */
  | { readonly kind: 'register'; readonly size: Size; readonly slot: 0 | 1 | 2 }
  /** MMX (64), XMM (128) or YMM (256). Slot 3 is the low half of the immediate field: the fourth register of VBLENDVPS and its like. */
  | { readonly kind: 'vector'; readonly size: 64 | 128 | 256; readonly slot: 0 | 1 | 2 | 3 }
  /** ST(index) of the x87 stack. */
  | { readonly kind: 'x87'; readonly size: 80; readonly index: number }
  | { readonly kind: 'memory'; readonly size: Size }
  /** The record's immediate, sign- or zero-extended by the decoder to 64 bits as the encoding says. */
  | { readonly kind: 'immediate'; readonly size: Size };

/** How the linear address of the memory operand is formed. */
export type AddressForm =
  | 'none'
  /** base + index * scale + displacement, 64-bit, flat segment */
  | 'flat'
  /** the same with an FS or GS base added, or truncated to 32 bits by an address-size prefix */
  | 'general'
  /** 16- and 32-bit code: an offset in `Instruction.segment` */
  | 'segmented';

export interface Instruction {
  /** Lower-case mnemonic of the manual: `add`, `cmpxchg`, `jcc` family by condition: `je`, `setb`, `cmovg`. */
  readonly mnemonic: string;
  /** Operand size: of operand 0, else the effective operand size (stack and string instructions, branches; far ones always). */
  readonly size: Size;
  /** Size of the effective address: 64, or 32 with an address-size prefix; 16 or 32 in 16- and 32-bit code. String instructions count in it. */
  readonly addressSize: CodeSize;
  readonly addressForm: AddressForm;
  readonly operands: readonly Operand[];
  readonly lock: boolean;
  readonly repeat: 'none' | 'rep' | 'repne';
  readonly codeSize: CodeSize;
  /** Bits of the stack pointer: 64 in 64-bit code. */
  readonly stackSize: CodeSize;
  /** Segment register, as encoded, of the memory operand or of what a string instruction reads, in 16- and 32-bit code; 64-bit code has its base in the record. */
  readonly segment: number;
}

/** The form as a string: the key of generated handlers, for example `add:32:r0,m/flat` or `lock xadd:64:m,r0/general`. */
export function formKey(i: Instruction): string {
  const operands = i.operands.map((o) =>
    o.kind === 'register' || o.kind === 'vector'
      ? `${o.kind[0]}${o.slot}.${o.size}`
      : o.kind === 'x87'
        ? `st${o.index}`
        : `${o.kind[0]}${o.size}`,
  );
  const prefix = `${i.lock ? 'lock ' : ''}${i.repeat === 'none' ? '' : `${i.repeat} `}`;
  const address = `${i.addressForm}${i.addressSize === 64 ? '' : i.addressSize}`;
  const mode = i.codeSize === 64 ? '' : `@${i.codeSize}.${i.stackSize}.${i.segment}`;
  return `${prefix}${i.mnemonic}:${i.size}:${operands.join(',')}/${address}${mode}`;
}
