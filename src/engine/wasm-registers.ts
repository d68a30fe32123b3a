import { gprOffset, OFFSET, type StateWord } from '../isa/core-state.ts';
import type { Instruction, Operand, Size } from '../isa/instruction.ts';
import { RECORD } from '../isa/record.ts';
import type { Graph, Node } from './graph.ts';
import type { FixedPlace, HandlerContext } from './handler-context.ts';
import { get, I32, i32, i64, set, uleb } from './wasm/code.ts';
import { WasmFlags } from './wasm-flags.ts';

/** Offsets in the core's block below this are those of general registers. */
export const GPR_BYTES = 128;

type RegisterOperand = Extract<Operand, { kind: 'register' }>;
type VectorOperand = Extract<Operand, { kind: 'vector' }>;

/** The part of the vocabulary that reads and writes general registers and words of the core's state: in the core's block, or in a region's locals. */
export abstract class WasmRegisters extends WasmFlags {
  protected readonly instruction: Instruction;
  protected readonly context: HandlerContext;
  readonly #next: Node;

  constructor(graph: Graph, instruction: Instruction, context: HandlerContext) {
    super(graph, context.core);
    this.instruction = instruction;
    this.context = context;
    const { fixed } = context;
    const rip = context.rip === undefined ? i64.load(get(context.core), OFFSET.rip) : get(context.rip);
    this.#next =
      fixed === undefined
        ? graph.node([], () => i64.add(rip, i64.load8(get(context.record), RECORD.length)), { pinned: true })
        : graph.constant(fixed.rip + BigInt(fixed.fields.length));
  }

  next(): Node {
    return this.#next;
  }

  current(): Node {
    return this.state('rip');
  }

  /** Where in linear memory the register of an operand begins. */
  protected registerAddress(slot: VectorOperand['slot']): Node {
    const { fixed, core, record } = this.context;
    if (fixed !== undefined) {
      const offset = slot === 3 ? Number(fixed.fields.immediate & 0xffffn) : fixed.fields.registers[slot];
      return this.g.node([], () => i32.add(get(core), i32.const(offset)), { type: I32 });
    }
    const field = [RECORD.reg0, RECORD.reg1, RECORD.reg2, RECORD.immediate][slot] as number;
    return this.g.node([], () => i32.add(get(core), i32.load16(get(record), field)), { type: I32 });
  }

  /** The register of an operand, wherever it is. */
  protected readRegister({ slot, size }: RegisterOperand): Node {
    const { fixed } = this.context;
    const offset = fixed?.fields.registers[slot] ?? GPR_BYTES;
    if (fixed !== undefined && offset < GPR_BYTES) return this.readGpr(fixed, offset, size);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.g.node([this.registerAddress(slot)], (a) => op(a), { pinned: true, bits: size });
  }

  protected writeRegister({ slot, size }: RegisterOperand, value: Node): void {
    const { fixed } = this.context;
    const offset = fixed?.fields.registers[slot] ?? GPR_BYTES;
    if (fixed !== undefined && offset < GPR_BYTES) {
      this.#writeGpr(fixed, offset, size, value);
      return;
    }
    const address = this.registerAddress(slot);
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.g.effect([address, v], (_depth, a, x) => op(a ?? [], x ?? []));
  }

  /** A general register in a local; `offset` is that of its lowest byte. */
  protected readGpr(fixed: FixedPlace, offset: number, size: Size): Node {
    const local = fixed.gpr(offset >> 3, false);
    const whole = this.g.node([], () => get(local), { pinned: true });
    const from = (offset & 7) === 0 ? whole : this.shr(whole, this.constant(8 * (offset & 7)));
    return size === 64 ? from : this.zeroExtend(from, size);
  }

  #writeGpr(fixed: FixedPlace, offset: number, size: Size, value: Node): void {
    const local = fixed.gpr(offset >> 3, true);
    if (size >= 32) {
      const v = size === 32 ? this.zeroExtend(value, 32) : value;
      this.g.effect([v], (_depth, x) => set(local, x ?? []));
      return;
    }
    const shift = 8 * (offset & 7);
    const mask = ((1n << BigInt(size)) - 1n) << BigInt(shift);
    const placed = this.shl(this.zeroExtend(value, size), this.constant(shift));
    this.g.effect([placed], (_depth, x) => set(local, i64.or(i64.and(get(local), i64.const(BigInt.asIntN(64, ~mask))), x ?? [])));
  }

  register(n: number, size: Size): Node {
    const { fixed } = this.context;
    if (fixed !== undefined) return this.readGpr(fixed, gprOffset(n), size);
    const op = size === 64 ? i64.load : size === 32 ? i64.load32 : size === 16 ? i64.load16 : i64.load8;
    return this.g.node([], () => op(get(this.context.core), gprOffset(n)), { pinned: true, bits: size });
  }

  setRegister(n: number, size: Size, value: Node): void {
    const { fixed } = this.context;
    if (fixed !== undefined) {
      this.#writeGpr(fixed, gprOffset(n), size, value);
      return;
    }
    const v = size === 32 ? this.zeroExtend(value, 32) : value;
    const op = size >= 32 ? i64.store : size === 16 ? i64.store16 : i64.store8;
    this.g.effect([v], (_depth, x) => op(get(this.context.core), x ?? [], gprOffset(n)));
  }

  protected override setLazy(result: Node, carry: Node): void {
    const { fixed } = this.context;
    if (fixed === undefined) {
      super.setLazy(result, carry);
      return;
    }
    const [r, c] = [fixed.flagWord('flagResult', true), fixed.flagWord('flagCarry', true)];
    this.g.effect([result, carry], (_depth, x, y) => [x ?? [], y ?? [], [0x21, uleb(c)], [0x21, uleb(r)]]);
  }

  state(word: StateWord): Node {
    const { fixed } = this.context;
    if (fixed !== undefined && (word === 'flagResult' || word === 'flagCarry')) {
      const local = fixed.flagWord(word, false);
      return this.g.node([], () => get(local), { pinned: true });
    }
    if (fixed !== undefined && word === 'rip') return this.constant(fixed.rip);
    return this.g.node([], () => i64.load(get(this.context.core), OFFSET[word]), { pinned: true });
  }
}
