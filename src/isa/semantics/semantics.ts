import type { Instruction, Size } from '../instruction.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** What one mnemonic does, in the words of a provider: the manual's Operation section for every size and operand kind at once. */
export type Semantics = <V>(p: Vocabulary<V>, i: Instruction) => void;

/** The semantics of one category of instructions, by mnemonic. */
export type Category = Readonly<Record<string, Semantics>>;

/** The sign bit of a value of `size` bits. */
export const signBit = (size: Size): bigint => 1n << BigInt(size - 1);

/** Does nothing but go on: NOPs and hints. */
export const nothing: Semantics = () => {};

/** Handed to the machine's system helper, which checks privilege and does everything, RIP included. */
export const bySystem: Semantics = (p) => p.system();
