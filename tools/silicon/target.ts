import type { Extended, Vector } from './vectors.ts';

/**
 * Something that can run a vector: sets up the machine of the vectors' contract, runs one instruction (a REP string instruction until RIP
 * moves or it faults) and says what became of it.
 */
export interface VectorTarget {
  readonly name: string;
  run(vector: Vector): Outcome;
  /** What there is to say of all that ran. */
  summary?(): string;
}

/** What became of a vector. */
export type Outcome = { readonly kind: 'unimplemented'; readonly name: string } | Ran;

export interface Ran {
  readonly kind: 'ran';
  /** The sixteen general registers in encoding order, unsigned. */
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  /** Of 16- and 32-bit code, in the order of `Vector.segments`. */
  readonly segments?: readonly number[];
  readonly extended: Extended;
  /** Bytes of data and code memory that were written and now differ from the start: address to value. */
  readonly changed: ReadonlyMap<bigint, number>;
  /** Times that the instruction was executed: iterations of a REP string instruction. */
  readonly steps: number;
  /** The exception that ended it; `errorCode` and `cr2` where it has them. */
  readonly exception?: { readonly vector: number; readonly errorCode?: bigint; readonly cr2?: bigint };
}

/** Whether the instruction may stay where it is until it is done: REP, and gathers, which fetch an element at a time. */
export const repeats = (vector: Vector): boolean => vector.steps !== undefined || /gather/i.test(vector.id);
