import { CORE, META_BASE } from '../../engine/layout.ts';
import { OFFSET } from '../../isa/core-state.ts';
import type { Machine } from '../../machine/machine.ts';
import { TEXT_META_BYTES } from '../../machine/text-versions.ts';
import { HASH_WORDS, hashWords } from './content-hash.ts';
import { Contents } from './contents.ts';
import { addCell, hashLocal, type Local, localBlock, PENDING, putBlock } from './local.ts';
import type { Owners } from './owners.ts';
import type { Places } from './places.ts';
import { type SlotNumbers, TEXT_SLOT } from './slot-numbers.ts';
import type { StateVector } from './system.ts';

/** Versions of patched text, and of each core how far its fetch may lag behind them. */
interface Text {
  readonly versions: Uint8Array;
  readonly floors: readonly Uint8Array[];
  /** Hash of each core's floors. */
  readonly floorHashes: Int32Array;
}

/** A core's block, and what of it is not as in some state. */
export interface BlockChange {
  readonly core: number;
  readonly block: Uint8Array;
  /** What the core alone knows. */
  readonly own: boolean;
  /** What is pending for it, apart from an NMI. */
  readonly pending: boolean;
  readonly nmi: boolean;
  /** How far its fetch may lag. */
  readonly floors: boolean;
}

/** Most slots that a world may have. */
export const MAX_SLOTS = 4096;

/** A machine taken apart into the slots of a `StateVector`, whose contents have numbers, and put together again from these. */
export class MachineVector {
  /** Slots there are by now. */
  slots: number;
  readonly #machine: Machine;
  readonly #numbers: SlotNumbers;
  readonly #places: Places;
  readonly #owners: Owners;
  readonly #texts = new Contents<Text>();
  readonly #locals: readonly Contents<Local>[];
  readonly #pending: readonly Contents<BigUint64Array>[];
  readonly #words: Contents<bigint>[] = [];
  /** Offset in linear memory of each word slot, and back. */
  readonly #cells: number[] = [];
  readonly #slotOf = new Map<number, number>();
  /** What private quadwords held at the start. */
  readonly #base = new Map<number, bigint>();
  /** What the machine holds now. */
  readonly #current: StateVector = new Int32Array(MAX_SLOTS);

  /** Of a machine at the start of what happens on it: the state that is all zeros. */
  constructor(machine: Machine, numbers: SlotNumbers, places: Places, owners: Owners) {
    this.#machine = machine;
    this.#numbers = numbers;
    this.#places = places;
    this.#owners = owners;
    this.slots = numbers.firstWord;
    this.#locals = machine.cores.map(() => new Contents<Local>());
    this.#pending = machine.cores.map(() => new Contents<BigUint64Array>());
    for (const core of machine.cores) {
      this.#localNumber(core.index, { block: localBlock(machine, core.index), cells: new Map(), sum: new Int32Array(HASH_WORDS) });
      this.pendingNumber(core.index);
    }
    this.textNumber();
  }

  /** Memory that the contents of its slots hold: nearly all of it are blocks of cores. */
  get bytes(): number {
    return this.#locals.reduce((sum, l) => sum + l.size * (CORE.blockEnd + l.hashes.BYTES_PER_ELEMENT * HASH_WORDS), 0);
  }

  // ---- words ----

  /** Offsets in linear memory of the words, in the order of their slots. */
  get cells(): readonly number[] {
    return this.#cells;
  }

  /** The word of a slot of its own, by its offset in linear memory. */
  cellAt(slot: number): number {
    return this.#cells[slot - this.#numbers.firstWord]!;
  }

  /** The slot of a quadword that has one of its own. */
  slotOf(cell: number): number | undefined {
    return this.#slotOf.get(cell);
  }

  /** The slot of a quadword that has one of its own from now on: before it is looked at, or behind that. The machine holds there what it held at the start. */
  slotAt(cell: number): number {
    const known = this.#slotOf.get(cell);
    if (known !== undefined) return known;
    if (this.#owners.of(cell) !== undefined) this.#owners.contest(cell);
    const slot = this.slots++;
    if (slot >= MAX_SLOTS) throw new RangeError(`a world has more than ${MAX_SLOTS} shared words`);
    this.#slotOf.set(cell, slot);
    this.#cells.push(cell);
    this.#words.push(new Contents<bigint>());
    // Nobody has written it so far: what the machine holds is what it held at the start.
    this.wordNumber(slot, this.#base.get(cell) ?? this.#machine.engine.longs[cell >> 3]!);
    return slot;
  }

  /** What a slot's word is by the number of its content. */
  wordOf(slot: number, content: number): bigint {
    return this.#words[slot - this.#numbers.firstWord]!.values[content]!;
  }

  wordNumber(slot: number, value: bigint): number {
    const words = this.#words[slot - this.#numbers.firstWord]!;
    const known = words.numberOf(value);
    if (known !== undefined) return known;
    const at = this.cellAt(slot);
    hashWords(Int32Array.of(at, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))), 3, 0x30bd, HASH, 0);
    if (words.size === 0) HASH.fill(0);
    return words.add(value, value, HASH);
  }

  // ---- what belongs to a core, and text ----

  /** Local states of a core that were seen. */
  localsOf(core: number): number {
    return this.#locals[core]!.size;
  }

  /** The same for a core's local state in every table of a world. */
  localName(core: number, local: number): string {
    return this.#locals[core]!.hashes.subarray(local * HASH_WORDS, (local + 1) * HASH_WORDS).join();
  }

  /** The number of a core's local state by its name, whether it was reached here or not. */
  localOf(core: number, name: string): number {
    const locals = this.#locals[core]!;
    if (locals.numberOf(name) === undefined) locals.announce(name, Int32Array.from(name.split(','), Number));
    return locals.numberOf(name)!;
  }

  /** Of each core: hashes of its local states in the order of their numbers. */
  get localHashes(): Int32Array[] {
    return this.#locals.map((l) => l.hashes.slice(0, l.size * HASH_WORDS));
  }

  /** Gives a core's local states the numbers that they have in `localHashes` of another one. */
  announceLocals(core: number, hashes: Int32Array): void {
    for (let at = HASH_WORDS; at < hashes.length; at += HASH_WORDS) {
      const hash = hashes.subarray(at, at + HASH_WORDS);
      this.#locals[core]!.announce(hash.join(), hash);
    }
  }

  #localNumber(core: number, local: Local): number {
    hashLocal(local.block, local.sum, HASH);
    const key = HASH.join();
    const locals = this.#locals[core]!;
    const known = locals.numberOf(key);
    if (known === undefined) return locals.add(key, local, HASH);
    locals.put(known, local);
    return known;
  }

  /** The local state of a core that had the one numbered `from` before, with what has changed: its block, and private quadwords by their offset. The machine is in the state before. */
  localAfter(core: number, from: number, block: Uint8Array | undefined, changed: ReadonlyMap<number, bigint> | undefined): number {
    const before = this.#locals[core]!.values[from]!;
    if (changed === undefined) return this.#localNumber(core, { ...before, block: block ?? before.block });
    const cells = new Map(before.cells);
    const sum = before.sum.slice();
    for (const [cell, value] of changed) {
      if (!this.#base.has(cell)) this.#base.set(cell, this.#machine.engine.longs[cell >> 3]!);
      const base = this.#base.get(cell)!;
      const old = before.cells.get(cell);
      if (old !== undefined) addCell(this.#places, cell, old, sum, -1);
      if (value === base) cells.delete(cell);
      else {
        cells.set(cell, value);
        addCell(this.#places, cell, value, sum, 1);
      }
    }
    return this.#localNumber(core, { block: block ?? before.block, cells, sum });
  }

  /** Number of what is pending for a core in the machine as it is. */
  pendingNumber(core: number): number {
    const { engine, cores } = this.#machine;
    const words = BigUint64Array.from(PENDING, (at) => engine.longs[(cores[core]!.base + at) >> 3]!);
    const key = words.join();
    const pending = this.#pending[core]!;
    const known = pending.numberOf(key);
    if (known !== undefined) return known;
    hashWords(new Int32Array(words.buffer), words.length * 2, 0x9e4d, HASH, 0);
    return pending.add(key, words, HASH);
  }

  /** Number of the text in the machine as it is. */
  textNumber(): number {
    const { engine, cores } = this.#machine;
    const versions = engine.bytes.slice(META_BASE, META_BASE + TEXT_META_BYTES);
    const floors = cores.map((c) => engine.bytes.slice(c.base + CORE.floors, c.base + CORE.storeBufferCount));
    const floorHashes = new Int32Array(cores.length * HASH_WORDS);
    floors.forEach((f, n) => hashWords(new Int32Array(f.buffer), f.length / 4, 0xf100, floorHashes, n * HASH_WORDS));
    hashWords(new Int32Array(versions.buffer), versions.length / 4, 0x7e47, HASH, 0);
    const key = `${HASH.join()} ${floorHashes.join()}`;
    return this.#texts.numberOf(key) ?? this.#texts.add(key, { versions, floors, floorHashes }, HASH);
  }

  /** Each core's block in the machine as it is, and what of it is not as in `state`; that of `mover` counts as changed. */
  changedBlocks(state: StateVector, mover: number): BlockChange[] {
    const { engine, cores } = this.#machine;
    const numbers = this.#numbers;
    return cores.map((c, core) => {
      const block = localBlock(this.#machine, core);
      const known = this.#locals[core]!.values[state[numbers.localSlot(core)]!]!.block;
      const words = this.#pending[core]!.values[state[numbers.pendingSlot(core)]!]!;
      const floors = this.#texts.values[state[TEXT_SLOT]!]!.floors[core]!;
      return {
        core,
        block,
        own: core === mover || !same(block, known),
        pending: PENDING.some((at, n) => n !== NMI && engine.longs[(c.base + at) >> 3] !== words[n]),
        nmi: engine.longs[(c.base + PENDING[NMI]!) >> 3] !== words[NMI],
        floors: floors.some((f, n) => engine.bytes[c.base + CORE.floors + n] !== f),
      };
    });
  }

  // ---- hashes ----

  /** 128 bits of what each content of a slot adds to the key of a state. */
  hashesOf(slot: number): Int32Array {
    if (slot === TEXT_SLOT) return this.#texts.hashes;
    const numbers = this.#numbers;
    if (slot < numbers.localSlot(0)) return NO_HASH;
    if (slot < numbers.pendingSlot(0)) return this.#locals[slot - numbers.localSlot(0)]!.hashes;
    if (slot < numbers.nmiPlace(0)) return this.#pending[slot - numbers.pendingSlot(0)]!.hashes;
    return this.#words[slot - numbers.firstWord]!.hashes;
  }

  /** Hash of how far the fetch of a core may lag: a part of the text slot that trades places with the core. */
  floorHash(text: number, core: number, word: number): number {
    return this.#texts.values[text]!.floorHashes[core * HASH_WORDS + word]!;
  }

  // ---- the machine in a state ----

  /** Puts the machine into `state`. */
  put(state: StateVector): void {
    const { engine, cores } = this.#machine;
    const numbers = this.#numbers;
    const text = state[TEXT_SLOT]!;
    const textMoved = this.#current[TEXT_SLOT] !== text;
    if (textMoved) engine.bytes.set(this.#texts.values[text]!.versions, META_BASE);
    for (let core = 0; core < cores.length; core++) {
      const [local, pending] = [numbers.localSlot(core), numbers.pendingSlot(core)];
      const moved = this.#current[local] !== state[local];
      if (moved) this.#putLocal(core, state[local]!);
      if (moved || this.#current[pending] !== state[pending]) this.#putPending(core, state[pending]!);
      if (moved || textMoved) engine.bytes.set(this.#texts.values[text]!.floors[core]!, cores[core]!.base + CORE.floors);
      engine.words[(cores[core]!.base + CORE.hashDirty) >> 2] = 1;
    }
    for (let slot = numbers.firstWord; slot < this.slots; slot++) {
      if (this.#current[slot] !== state[slot]) engine.longs[this.cellAt(slot) >> 3] = this.wordOf(slot, state[slot]!);
    }
    this.#current.set(state);
  }

  #putLocal(core: number, number: number): void {
    const { engine } = this.#machine;
    const locals = this.#locals[core]!.values;
    const [from, to] = [locals[this.#current[this.#numbers.localSlot(core)]!]!, locals[number]!];
    putBlock(this.#machine, core, to.block);
    for (const cell of from.cells.keys()) if (!to.cells.has(cell)) engine.longs[cell >> 3] = this.#base.get(cell)!;
    for (const [cell, value] of to.cells) engine.longs[cell >> 3] = value;
  }

  #putPending(core: number, number: number): void {
    const { engine, cores } = this.#machine;
    const words = this.#pending[core]!.values[number]!;
    PENDING.forEach((at, n) => {
      engine.longs[(cores[core]!.base + at) >> 3] = words[n]!;
    });
  }
}

/** Which of the words of `PENDING` is the NMI. */
const NMI = PENDING.indexOf(OFFSET.nmiPending);
const NO_HASH = new Int32Array(HASH_WORDS);
const HASH = new Int32Array(HASH_WORDS);

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
