import type { StateWord } from './core-state.ts';
import type { Operand, Size } from './instruction.ts';

/**
 * The words in which the meaning of every instruction is written, once. A provider supplies them: the reference
 * evaluates them at once on BigInts, the code generators turn them into WebAssembly.
 *
 * `V` is a 64-bit value, opaque to the semantics. All arithmetic wraps modulo 2^64. Semantics may branch in TypeScript
 * only on what is static (the `Instruction`); everything that depends on a `V` goes through `when`, `select` or `loop`.
 *
 * Order inside a semantics function: reads, compute, memory writes, register writes, flags. Then a fault or a stop in any
 * memory access leaves nothing to undo.
 */
export interface Vocabulary<V> {
  constant(value: bigint | number): V;
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  /** High 64 bits of the unsigned 128-bit product. */
  mulHighUnsigned(a: V, b: V): V;
  /** High 64 bits of the signed 128-bit product. */
  mulHighSigned(a: V, b: V): V;
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  not(a: V): V;
  /** Shifts and rotates of the 64-bit value; the count is taken modulo 64. */
  shl(a: V, count: V): V;
  shr(a: V, count: V): V;
  sar(a: V, count: V): V;
  rotl(a: V, count: V): V;
  /** Leading and trailing zeros of the 64-bit value; 64 for zero. */
  clz(a: V): V;
  ctz(a: V): V;
  popcnt(a: V): V;
  /** Comparisons give 1 or 0. */
  eq(a: V, b: V): V;
  ne(a: V, b: V): V;
  ltUnsigned(a: V, b: V): V;
  ltSigned(a: V, b: V): V;
  /** `condition` is non-zero ? a : b. Both sides are pure values and may both be evaluated. */
  select(condition: V, a: V, b: V): V;
  /** Keep the low `size` bits, fill with zeros / with the sign. */
  zeroExtend(a: V, size: Size): V;
  signExtend(a: V, size: Size): V;
  /**
   * Unsigned division of the 128-bit value high:low by `divisor`. The caller has made sure that divisor != 0 and
   * high < divisor, so that the quotient fits 64 bits.
   */
  divideUnsigned(high: V, low: V, divisor: V): { quotient: V; remainder: V };

  /** Runs `then` where `condition` is non-zero, else `otherwise`. Values made inside may not be used outside: use a variable. */
  when(condition: V, then: () => void, otherwise?: () => void): void;
  /** Repeats `body` while `condition()`, evaluated before each round, is non-zero. */
  loop(condition: () => V, body: () => void): void;
  /** A mutable 64-bit local. `get()` takes the value at that moment. */
  variable(initial: V): { get(): V; set(value: V): void };

  /** Reads an operand, zero-extended to 64 bits from its size. An immediate gives its low `size` bits. */
  read(operand: Operand): V;
  /** Reads an operand that this instruction will write: a memory access with write intent, atomic under LOCK. */
  readModify(operand: Operand): V;
  /** Writes the low bits. A 32-bit register write clears the upper half; 8- and 16-bit ones keep the rest. */
  write(operand: Operand, value: V): void;
  /** Effective address of the memory operand without its segment base, truncated to the address size (LEA). */
  offset(operand: Operand): V;
  /** Shift count by which the index of the memory operand is scaled, 0 to 3. */
  indexScale(): V;
  /** Linear address of the memory operand; in 16- and 32-bit code its offset in the segment, as for all addresses of accesses: they check it and add the base. */
  address(operand: Operand): V;
  /** General register `n` (encoding number), low `size` bits, zero-extended. */
  register(n: number, size: Size): V;
  setRegister(n: number, size: Size, value: V): void;
  /** A named 64-bit word of the core's state, such as `fsBase`. */
  state(word: StateWord): V;
  setState(word: StateWord, value: V): void;
  /** As `setState`, and it stays when the instruction faults behind it. */
  setStateEarly(word: StateWord, value: V): void;
  /** Linear base of the segment that string instructions read through: DS, or the FS/GS override. Zero in 16- and 32-bit code, see `address`. */
  segmentBase(): V;

  /**
   * A memory access of `size` 8 to 64 bits at a linear address. `stack` accesses that are not canonical raise #SS(0), others
   * #GP(0), except that `operand` follows the base register of the memory operand (SDM Vol. 3, "Stack Fault Exception").
   */
  load(address: V, size: Size, through?: AccessKind): V;
  /** A load with write intent: faults as a write would; atomic with the next store to it under LOCK. */
  loadModify(address: V, size: Size, through?: AccessKind): V;
  store(address: V, size: Size, value: V, through?: AccessKind): void;

  /**
   * The extended state is going to be read or written: every semantics that does calls it first. What it costs is paid by those who use it.
   */
  useExtended(): void;
  /**
   * Quadwords of an MMX, XMM or YMM register or of a memory operand of `size` (default: its own) bits of at least 64, lowest first. Memory is read a quadword
   * at a time, in address order.
   */
  readQuads(operand: Operand, size?: Size): V[];
  /**
   * Writes as many quadwords; the upper quadwords of a YMM register keep their values, or are cleared with `clearUpper`. Memory gets all of them or none: a
   * fault on any of its pages comes before the first store.
   */
  writeQuads(operand: Operand, values: readonly V[], clearUpper?: boolean): void;
  /** Raises what a store of `bytes` bytes there would raise, and stores nothing. */
  probe(address: V, bytes: number, through?: AccessKind): void;
  /** Quadword at a byte offset of the core's block that depends on values: `base` + 16 * (index mod 8). For the x87 stack, whose top moves. */
  stacked(base: number, index: V): V;
  setStacked(base: number, index: V, value: V): void;
  /**
   * A pure function of `isa/helpers` by its name: for what is too long to be spelt in these words (rounding, division of significands). Generated code has
   * formulas of its own for what is frequent with some of them.
   */
  compute(helper: string, parameters: readonly V[], results: number): V[];
  /**
   * The same of a helper of `helpers/float.ts`, whose last parameter is MXCSR: its value and the exceptions that it raises. Generated code has instructions of its
   * own for what is frequent and raises nothing new.
   */
  float(helper: string, parameters: readonly V[], mxcsr: V): { readonly value: V; readonly flags: V };
  /** The helpers `f32.NAME` or `f64.NAME` on all elements of quadwords, with one name for the even and one for the odd elements. */
  floatQuads(
    names: readonly [even: string, odd: string],
    size: 32 | 64,
    operands: readonly (readonly V[])[],
    mxcsr: V,
  ): { readonly quads: V[]; readonly flags: V };

  /**
   * What `meaning` makes of each block of the operands: two quadwords, or the one of an MMX register. Generated code may use its vector instruction `name`, where it has
   * one, for blocks of two. `control`: what such an instruction takes beside them, the same for all blocks.
   */
  blockwise(name: BlockOperation, operands: readonly (readonly V[])[], meaning: (...blocks: V[][]) => V[], control?: V): V[];

  /** Sets SF, ZF and PF from the low `size` bits of `result`; clears CF, OF and AF. */
  flagsLogic(result: V, size: Size): void;
  /**
   * Sets all six flags from `result` and `carries`, the vector of carries (or borrows) out of each bit: CF is bit size-1, OF is
   * bit size-1 xor bit size-2, AF is bit 3. Higher bits of both are ignored.
   */
  flagsArithmetic(result: V, carries: V, size: Size): void;
  /** The same but CF keeps its value (INC, DEC). */
  flagsArithmeticKeepCarry(result: V, carries: V, size: Size): void;
  /** Sets the named flags to 0 or 1 (values must be 0 or 1), keeps the others. */
  setFlags(flags: Partial<Record<FlagName, V>>): void;
  /** One flag as 0 or 1. */
  flag(name: FlagName): V;
  /** The six arithmetic flags as RFLAGS bits. */
  arithmeticFlags(): V;
  /** Takes the six arithmetic flags from the RFLAGS bits of `value`. */
  setArithmeticFlags(value: V): void;

  /** Address of the instruction after this one. */
  next(): V;
  /** Address of this instruction. */
  current(): V;
  /** Raises #GP(0) before anything was changed where `target` is not canonical, in 16- and 32-bit code beyond the limit of CS. Call before other writes. */
  checkCanonical(target: V): void;
  /** Sets the address of the next instruction. The last thing on its way through the semantics: compiled code goes there at once. */
  jump(target: V): void;
  /** Target of a relative branch: the record's displacement added to `next()`, truncated to the operand size. */
  relativeTarget(): V;
  /** Stays at this instruction: one more iteration of a repeated string instruction is due. The last thing on its way, as `jump`. */
  again(): void;

  /** A fault: nothing of this instruction happened; control does not come back. */
  raise(vector: number, errorCode?: bigint | number | V): void;
  /** A trap after this instruction (INT3, INTO, INT1): the saved RIP is `next()`; control does not come back. */
  trap(vector: number): void;
  /** INT n: like `trap`, with the descriptor's privilege check; control does not come back. */
  softwareInterrupt(vector: V): void;
  /** Waits until this core's store buffer is empty (MFENCE, LOCK, serializing instructions). */
  drainStoreBuffer(): void;
  /** Hands the instruction to the machine's system helper (CPUID, WRMSR, IRETQ, MOV CR ...), the same one for every engine. */
  system(): void;
}

type Narrow = 8 | 16;
type Element = 8 | 16 | 32;
/** Vector instructions by what they do and the bits of an element, as `blockwise` names them. `s` and `u`: signed and unsigned elements. */
export type BlockOperation =
  | 'and'
  | 'andNot'
  | 'or'
  | 'xor'
  | `${'add' | 'sub' | 'equal' | 'greater'}${Element | 64}`
  | `${'add' | 'sub'}Saturated${Narrow}${'s' | 'u'}`
  | `${'min' | 'max'}${Element}${'s' | 'u'}`
  | `average${Narrow}`
  | `absolute${Element}`
  | `multiply${16 | 32}`
  | `multiplyHigh16${'s' | 'u'}`
  | `multiplyLow32${'s' | 'u'}`
  | 'multiplyAdd16'
  | `pack${16 | 32}${'s' | 'u'}`
  | `unpack${'Low' | 'High'}${Element}`
  | `widen${Element}${'s' | 'u'}`
  | `shift${'Left' | 'Right' | 'Signed'}${16 | 32 | 64}`
  | `bytes${'Left' | 'Right'}`
  | 'align'
  | 'shuffle32'
  | `shuffle${'Low' | 'High'}16`
  | 'shuffleTwo32'
  | 'shuffleBytes'
  | `duplicate${'Low' | 'High'}32`
  | `blend${16 | 32 | 64}`
  | `blendBySign${8 | 32 | 64}`
  | `signs${8 | 32 | 64}`;

export type FlagName = 'CF' | 'PF' | 'AF' | 'ZF' | 'SF' | 'OF';

/**
 * Which fault an access through a non-canonical address raises; in 16- and 32-bit code the segment: SS, that of the instruction, or ES for the `destination` of a string
 * instruction.
 */
export type AccessKind = 'data' | 'stack' | 'operand' | 'destination';
