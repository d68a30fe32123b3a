/** A program in source, and what its compiler must be told. */
export interface Program {
  readonly kind: string;
  readonly language: 'c' | 'c++';
  readonly text: string;
  readonly flags: readonly string[];
  /** Can be one of 32 bits too. */
  readonly has32: boolean;
  /** Wants -O1 at least. */
  readonly optimised?: boolean;
  /** Only these; any by default. */
  readonly march?: readonly string[];
  /** Only this one; any by default. */
  readonly compiler?: 'gcc' | 'clang';
}
