/**
 * A pure function of quadwords that the vocabulary's words would spell out at great length: rounding of floating-point results, tables, polynomials. Both the
 * reference and the generated code call the same one, so what it does is checked against silicon and against other implementations, not against itself. Where
 * generated code has a formula for frequent cases (`engine/quick-code.ts`), that is checked against this.
 */
export interface Helper {
  readonly name: string;
  readonly parameters: number;
  readonly results: number;
  /** Values are unsigned 64-bit. */
  readonly run: (...parameters: bigint[]) => readonly bigint[];
}
