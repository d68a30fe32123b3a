import { DE, EXCEPTIONS, IE, OE, PE, type RoundingMode, UE, ZE } from './mxcsr.ts';

/** Control and status word of the x87 FPU (SDM Vol. 1, "x87 FPU Control Word" and "x87 FPU Status Word"). Exceptions and their masks stand as in MXCSR. */

export { DE, EXCEPTIONS, IE, OE, PE, UE, ZE };

/** Stack fault: the invalid operation was a register that is empty, or one that is not. */
export const SF = 0x40;
/** An unmasked exception waits to be delivered; bit 15, once "busy", follows it. */
export const ES = 0x80;
export const BUSY = 0x8000;
export const C0 = 0x100;
export const C1 = 0x200;
export const C2 = 0x400;
export const C3 = 0x4000;
export const TOP_AT = 11;
export const TOP = 7 << TOP_AT;

/** An invalid operation on the stack, not on a number. */
export const STACK = IE | SF;

/** Where the control word has the rounding and the precision. */
export const ROUNDING_AT = 10;
export const PRECISION_AT = 8;

export const roundingOf = (control: number): RoundingMode => ((control >> ROUNDING_AT) & 3) as RoundingMode;

/** Bits of the significand that arithmetic gives; the reserved setting is taken for the longest. */
export const precisionOf = (control: number): 24 | 53 | 64 => ([24, 64, 53, 64] as const)[(control >> PRECISION_AT) & 3]!;

/** Those of `flags` that are not masked. */
export const unmasked = (control: number, flags: number): number => flags & ~control & EXCEPTIONS;

/** Bits 7 and 15 as the flags and masks make them. */
export function summarized(control: number, status: number): number {
  const rest = status & ~(ES | BUSY);
  return unmasked(control, status) === 0 ? rest : rest | ES | BUSY;
}

/** Where a result goes: unmasked overflow and underflow still give a register its result, scaled, but memory nothing. */
export type Destination = 'register' | 'memory';

const WITHHELD: Readonly<Record<Destination, number>> = { register: IE | DE | ZE, memory: IE | DE | ZE | OE | UE };

/** Whether an instruction that raises `flags` has its result: otherwise operands and stack stay as they are. */
export const hasResult = (control: number, flags: number, to: Destination): boolean => unmasked(control, flags & WITHHELD[to]) === 0;
