/** Bits of code: the default size of operands and addresses in 16- and 32-bit code (SDM Vol. 1, "Operand-Size and Address-Size Attributes"). */
export type CodeSize = 16 | 32 | 64;

/**
 * How bytes become instructions: what CS.L, CS.D and SS.B say while they do not change (SDM Vol. 3, "Code Segment Descriptor in 64-bit Mode", "Segment
 * Descriptors"). Real mode and 16-bit protected mode are one mode here: they differ in how segments are loaded, not in what instructions do with them.
 */
export interface Mode {
  /** Index in `MODES`. */
  readonly number: number;
  readonly codeSize: CodeSize;
  /** Bits of the stack pointer. */
  readonly stackSize: CodeSize;
}

/** All modes. The first is 64-bit mode. */
export const MODES: readonly Mode[] = [
  { number: 0, codeSize: 64, stackSize: 64 },
  { number: 1, codeSize: 32, stackSize: 32 },
  { number: 2, codeSize: 32, stackSize: 16 },
  { number: 3, codeSize: 16, stackSize: 16 },
  { number: 4, codeSize: 16, stackSize: 32 },
];

export const LONG_MODE: Mode = MODES[0]!;

/** The mode of 16- or 32-bit code (CS.D) on a 16- or 32-bit stack (SS.B). */
export const modeOf = (codeSize: 16 | 32, stackSize: 16 | 32): Mode =>
  MODES.find((mode) => mode.codeSize === codeSize && mode.stackSize === stackSize) as Mode;
