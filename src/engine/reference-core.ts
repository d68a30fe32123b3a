import { OFFSET, type StateWord } from '../isa/core-state.ts';
import type { Size } from '../isa/instruction.ts';

/** The low `size` bits. */
export const mask = (size: Size): bigint => (1n << BigInt(size)) - 1n;

/** One core's block of linear memory as words and registers (layout: `isa/core-state.ts`). Values are unsigned. */
export class CoreBlock {
  readonly #view: DataView;
  readonly #start: number;

  constructor(view: DataView, start: number) {
    this.#view = view;
    this.#start = start;
  }

  /** The 64-bit word at byte `offset` of the block. */
  word(offset: number): bigint {
    return this.#view.getBigUint64(this.#start + offset, true);
  }

  setWord(offset: number, value: bigint): void {
    this.#view.setBigUint64(this.#start + offset, value & mask(64), true);
  }

  state(name: StateWord): bigint {
    return this.word(OFFSET[name]);
  }

  setState(name: StateWord, value: bigint): void {
    this.setWord(OFFSET[name], value);
  }

  /** A general register; `offset` is that of its lowest byte: AH is one above RAX. */
  register(offset: number, size: Size): bigint {
    return (this.word(offset & ~7) >> BigInt(8 * (offset & 7))) & mask(size);
  }

  /** Writing 32 bits clears the upper half, writing 8 or 16 keeps the rest (SDM Vol. 1, "General-Purpose Registers in 64-Bit Mode"). */
  setRegister(offset: number, size: Size, value: bigint): void {
    if (size >= 32) {
      this.setWord(offset, value & mask(size));
      return;
    }
    const shift = BigInt(8 * (offset & 7));
    const kept = this.word(offset & ~7) & ~(mask(size) << shift);
    this.setWord(offset & ~7, kept | ((value & mask(size)) << shift));
  }
}
