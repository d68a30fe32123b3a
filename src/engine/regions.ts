import { OFFSET } from '../isa/core-state.ts';
import type { Instruction } from '../isa/instruction.ts';
import { RECORD, RECORD_BYTES, type RecordFields } from '../isa/record.ts';
import type { Engine } from './engine.ts';
import { MAX_HANDLERS, MAX_REGIONS } from './handler-code.ts';
import {
  CORE,
  DECODE_BASE,
  DECODE_RECORDS,
  HEAT_AT,
  HOT,
  ITLB,
  physicalOf,
  REGION_AT,
  REGION_BYTES,
  REGION_ENTRIES,
  regionIndex,
} from './layout.ts';
import { Declined, mayTake, type RegionBlock, type RegionInstruction, regionModule, takes } from './region-code.ts';

/** Bounds of a region: code that is hot together lies together. */
const MAX_BLOCKS = 48;
const MAX_INSTRUCTIONS = 400;
const MAX_BLOCK = 64;
/** A place that was changed this often is compiled no more: HOT shifted by twice this is out of reach. */
const MOST_KILLS = 9;
/** A byte that was changed this often under a region counts as one that will be changed again: its instruction is looked up when it runs. */
const VOLATILE = 2;
/** Where nothing can be compiled, that is asked again so much later: other places may have the same counter. */
const NOT_SOON = 1 << 16;
/** A region holds this many of them at most: each costs a call. */
const MAX_VOLATILE = 8;

/** A compiled region: where its code is, to know when a store changes it; and which of its instructions may change. */
interface Region {
  readonly physical: number;
  readonly rip: bigint;
  /** Its place in the table of functions. */
  readonly number: number;
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly volatile: readonly number[];
}

const BRANCHES = new Set(['jmp', 'call', 'ret', 'loop', 'loope', 'loopne', 'jrcxz']);
const isBranch = ({ mnemonic }: Instruction): boolean => BRANCHES.has(mnemonic) || mnemonic.startsWith('j');
/** Never goes on behind itself. */
const ENDS = new Set(['jmp', 'ret']);

/**
 * The regions of one engine: which code is compiled, and what of it still stands. They are compiled where they become hot, in the middle of a run: V8 compiles a module's code in
 * its first tier when it is first called, and in its best one on threads of its own, while the first tier runs. What is left to be waited for, making the bytes, is what
 * `npm run bench -- short` measures. When a region is ready depends on nothing but the instructions that ran, so that a run is the same on every machine.
 */
export class Regions {
  readonly #engine: Engine;
  readonly #byPage = new Map<number, Region[]>();
  /** How often each place's region was made out of date: what changes all the time is compiled ever more rarely. */
  readonly #kills = new Map<number, number>();
  /** How often a store to each byte made a region out of date. */
  readonly #changes = new Map<number, number>();
  /** Instructions that regions look up when they run. */
  readonly #volatile = new Set<number>();
  #count = 0;
  /** `HOT` less of how often places are come to before they are compiled. */
  #heatAtFirst = 0;
  /** Regions that were compiled. */
  compiled = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Compiles what is at the core's RIP, as far as it has been decoded. */
  compile(core: number): void {
    const engine = this.#engine;
    const rip = engine.longs[(core + OFFSET.rip) >> 3] as bigint;
    const page = core + CORE.itlb + Number((rip >> 12n) & BigInt(ITLB.entries - 1)) * ITLB.bytes;
    const physical = (engine.words[(page + ITLB.physical) >> 2] as number) | Number(rip & 0xfffn);
    const heat = (HEAT_AT >> 2) + regionIndex(physical);
    // 16- and 32-bit code is left to the interpreter.
    if (physicalOf(physical) !== physical) {
      engine.words[heat] = -NOT_SOON;
      return;
    }
    // Another place has had its entry since.
    const known = this.#byPage.get(physical >>> 12)?.find((region) => region.physical === physical && region.rip === rip);
    if (known !== undefined) {
      engine.words[heat] = 0;
      this.#enter(known);
      return;
    }
    if (this.#count === MAX_REGIONS) this.clear();
    const number = MAX_HANDLERS + this.#count;
    const blocks = this.#link(number, rip, physical);
    if (blocks === undefined) {
      engine.words[heat] = -NOT_SOON;
      return;
    }
    engine.words[heat] = 0;
    this.#count++;
    this.compiled++;
    engine.regionMade?.(blocks);
    const place = (i: RegionInstruction): number => (physical & ~0xfff) | Number(i.rip & 0xfffn);
    const ranges = blocks
      .filter((b) => b[0]!.volatileAt === undefined)
      .map((b) => [place(b[0]!), place(b.at(-1)!) + b.at(-1)!.fields.length] as const);
    const volatile = blocks.flatMap((b) => b[0]!.volatileAt ?? []);
    for (const at of volatile) this.#volatile.add(at);
    const list = this.#byPage.get(physical >>> 12) ?? [];
    const region = { physical, rip, number, ranges, volatile };
    list.push(region);
    this.#byPage.set(physical >>> 12, list);
    this.#enter(region);
  }

  /** Makes the code of the region at an address; undefined where it cannot begin there. What turns out to be for the interpreter is left out, and it is tried again. */
  #link(number: number, rip: bigint, physical: number): RegionBlock[] | undefined {
    const engine = this.#engine;
    const frame = physical & ~0xfff;
    for (;;) {
      const blocks = blocksOf(this.#discover(rip, frame), rip);
      const entry = blocks.findIndex((b) => b[0]!.rip === rip);
      if (entry < 0) return undefined;
      try {
        engine.linkRegion(number, this.#keyOf(blocks, entry, frame), () => regionModule(blocks, entry, engine.map, engine.features));
        return blocks;
      } catch (error) {
        if (!(error instanceof Declined)) throw error;
      }
    }
  }

  /** From now on a core that comes to its first instruction runs the region. */
  #enter({ physical, rip, number }: Region): void {
    const at = REGION_AT + regionIndex(physical) * REGION_BYTES;
    this.#engine.view.setUint32(at, physical, true);
    this.#engine.view.setUint32(at + 4, number, true);
    this.#engine.view.setBigUint64(at + 8, rip, true);
  }

  /** All that the code of a region depends on: where it begins, and address, form and fields of its instructions. */
  #keyOf(blocks: readonly RegionBlock[], entry: number, frame: number): string {
    const { words } = this.#engine;
    const key: (number | string)[] = [entry];
    for (const block of blocks) {
      key.push(`@${block[0]!.rip}`);
      for (const { rip, volatileAt } of block) {
        if (volatileAt !== undefined) key.push(`v${volatileAt}`);
        const record = DECODE_BASE + ((frame | Number(rip & 0xfffn)) & (DECODE_RECORDS - 1)) * RECORD_BYTES;
        for (let at = record + 4; at < record + RECORD_BYTES; at += 4) key.push(words[at >> 2] as number);
      }
    }
    return key.join();
  }

  /** Instructions that can be reached inside the page and have been decoded. */
  #discover(start: bigint, frame: number): Map<bigint, RegionInstruction> {
    const engine = this.#engine;
    const found = new Map<bigint, RegionInstruction>();
    const page = start & ~0xfffn;
    const open = [start];
    let changing = 0;
    while (open.length > 0 && found.size < MAX_INSTRUCTIONS) {
      let rip = open.shift() as bigint;
      while (found.size < MAX_INSTRUCTIONS && !found.has(rip) && (rip & ~0xfffn) === page) {
        const physical = frame | Number(rip & 0xfffn);
        const record = DECODE_BASE + (physical & (DECODE_RECORDS - 1)) * 32;
        if (engine.view.getUint32(record + RECORD.tag, true) !== physical) break;
        const instruction = engine.instructionAt(record);
        const fields = engine.fieldsAt(record);
        const isVolatile = this.#isVolatile(physical, fields.length);
        if (!(isVolatile ? takes(instruction, fields, engine.map, engine.features) : mayTake(instruction))) break;
        if (isVolatile && ++changing > MAX_VOLATILE) break;
        found.set(rip, isVolatile ? { rip, instruction, fields, volatileAt: physical } : { rip, instruction, fields });
        const next = BigInt.asUintN(64, rip + BigInt(fields.length));
        if (isBranch(instruction)) {
          if (instruction.operands.length === 0 && instruction.mnemonic !== 'ret') open.push(BigInt.asUintN(64, next + fields.immediate));
          if (ENDS.has(instruction.mnemonic)) break;
        }
        rip = next;
      }
    }
    return found;
  }

  #isVolatile(physical: number, length: number): boolean {
    if (this.#changes.size === 0) return false;
    for (let at = physical; at < physical + length; at++) if ((this.#changes.get(at) ?? 0) >= VOLATILE) return true;
    return false;
  }

  /** Bytes of text are about to change. */
  kill(physical: number, size: number): void {
    for (const page of new Set([physical >>> 12, (physical + size - 1) >>> 12])) {
      const list = this.#byPage.get(page);
      if (list === undefined) continue;
      const kept = list.filter((r) => !r.ranges.some(([from, to]) => physical < to && from < physical + size));
      if (kept.length === list.length) continue;
      for (let at = physical; at < physical + size; at++) this.#changes.set(at, (this.#changes.get(at) ?? 0) + 1);
      for (const region of list) if (!kept.includes(region)) this.#forget(region);
      this.#byPage.set(page, kept);
      this.leave();
    }
  }

  /** An instruction has been decoded: regions that look it up must take it as it is now. */
  decoded(physical: number, instruction: Instruction, fields: RecordFields): void {
    if (!this.#volatile.has(physical) || takes(instruction, fields, this.#engine.map, this.#engine.features)) return;
    const list = this.#byPage.get(physical >>> 12) ?? [];
    for (const region of list) if (region.volatile.includes(physical)) this.#forget(region);
    this.#byPage.set(
      physical >>> 12,
      list.filter((region) => !region.volatile.includes(physical)),
    );
  }

  #forget({ physical }: Region): void {
    const at = REGION_AT + regionIndex(physical) * REGION_BYTES;
    if (this.#engine.view.getUint32(at, true) === physical) this.#engine.view.setUint32(at, 0, true);
    const kills = Math.min((this.#kills.get(physical) ?? 0) + 1, MOST_KILLS);
    this.#kills.set(physical, kills);
    this.#engine.words[(HEAT_AT >> 2) + regionIndex(physical)] = -(HOT << (2 * kills));
  }

  /** The engine goes to another machine. */
  renew(): void {
    this.#heatAtFirst = 0;
    this.clear();
    this.compiled = 0;
  }

  /** Forgets all regions. */
  clear(): void {
    this.#byPage.clear();
    this.#kills.clear();
    this.#changes.clear();
    this.#volatile.clear();
    this.#count = 0;
    this.#engine.bytes.fill(0, REGION_AT, HEAT_AT + REGION_ENTRIES * 4);
    this.#engine.words.fill(this.#heatAtFirst, HEAT_AT >> 2, (HEAT_AT >> 2) + REGION_ENTRIES);
    this.leave();
  }

  /** A region that is being run is over behind the instruction that it is in. */
  leave(): void {
    this.#engine.globals.textChanged.value = 1;
  }

  /** Places are hot the third time: by then what is around them has been decoded, most times. */
  compileSoon(): void {
    this.#heatAtFirst = HOT - 3;
    this.clear();
  }
}

/** Straight runs of instructions: they begin where something jumps to, behind branches, and at instructions that may stay where they are or change. */
function blocksOf(code: ReadonlyMap<bigint, RegionInstruction>, start: bigint): RegionBlock[] {
  const leaders = new Set([start]);
  for (const { rip, instruction, fields, volatileAt } of code.values()) {
    const next = BigInt.asUintN(64, rip + BigInt(fields.length));
    const staysPut = instruction.repeat !== 'none' || instruction.mnemonic.includes('gather') || volatileAt !== undefined;
    if (staysPut) leaders.add(rip);
    if (isBranch(instruction) || staysPut) leaders.add(next);
    if (isBranch(instruction) && instruction.operands.length === 0 && instruction.mnemonic !== 'ret')
      leaders.add(BigInt.asUintN(64, next + fields.immediate));
  }
  const blocks: RegionBlock[] = [];
  for (const leader of [...leaders].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    const block: RegionInstruction[] = [];
    for (let at = code.get(leader); at !== undefined && block.length < MAX_BLOCK; ) {
      block.push(at);
      const next = BigInt.asUintN(64, at.rip + BigInt(at.fields.length));
      if (leaders.has(next)) break;
      at = code.get(next);
    }
    if (block.length > 0) blocks.push(block);
  }
  if (blocks.length <= MAX_BLOCKS) return blocks;
  const from = Math.max(0, Math.min(blocks.findIndex((b) => b[0]!.rip === start) - MAX_BLOCKS / 2, blocks.length - MAX_BLOCKS));
  return blocks.slice(from, from + MAX_BLOCKS);
}
