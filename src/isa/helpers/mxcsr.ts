/** MXCSR (SDM Vol. 1, "MXCSR Control and Status Register"). */

/** Exception flags; their masks are seven places higher. */
export const IE = 1;
export const DE = 2;
export const ZE = 4;
export const OE = 8;
export const UE = 16;
export const PE = 32;
export const EXCEPTIONS = 0x3f;
/** The ones that are found on the operands, before anything is computed. */
export const PRE_COMPUTATION = IE | DE | ZE;
/** Where the mask of an exception is. */
export const MASKS_AT = 7;

/** Denormal operands are taken for zeros. */
export const DAZ = 0x40;
/** Tiny results become zeros while underflow is masked. */
export const FTZ = 0x8000;
/** All exceptions are masked, rounding is to nearest: what a core starts with. */
export const MXCSR_START = 0x1f80;

/** Rounding control. */
export const Rounding = { nearest: 0, down: 1, up: 2, zero: 3 } as const;
export type RoundingMode = (typeof Rounding)[keyof typeof Rounding];
export const ROUNDING_AT = 13;

export const roundingOf = (mxcsr: number): RoundingMode => ((mxcsr >> ROUNDING_AT) & 3) as RoundingMode;
export const isMasked = (mxcsr: number, exception: number): boolean => (mxcsr & (exception << MASKS_AT)) !== 0;
