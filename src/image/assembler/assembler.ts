import type { LineRange } from '../lines.ts';

export type Syntax = 'att' | 'intel';

export interface AssembleOptions {
  /** Virtual address of the first byte. */
  readonly address: bigint;
  /** Default `att`, as GNU as. `.intel_syntax noprefix` and `.att_syntax` in the source switch it. */
  readonly syntax?: Syntax;
  /** Names that the source may use without defining them, with their addresses. Branches to them are always near, as to any symbol that GNU as does not see. */
  readonly symbols?: ReadonlyMap<string, bigint> | Readonly<Record<string, bigint>>;
  /** Name of the source in errors and line tables. Default `<asm>`. */
  readonly file?: string;
}

/** Bytes that one statement made. */
export interface AssembledLine extends LineRange {
  /** Offset in `bytes`. */
  readonly offset: number;
  readonly length: number;
  /** Who encoded it: the backend, our own encoder, or a directive. */
  readonly by: 'backend' | 'own' | 'directive';
}

export interface Assembled {
  readonly bytes: Uint8Array;
  readonly address: bigint;
  /** Labels and `.set` names that the source defines, numeric ones excepted. */
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly lines: readonly AssembledLine[];
}

/** Text to machine code. Whatever it cannot do for certain is `E_ASM` with line and column: it never guesses. */
export interface Assembler {
  readonly name: string;
  /** What the assembler is made of, with versions where they are known. */
  readonly description: string;
  assemble(source: string, options: AssembleOptions): Assembled;
}
