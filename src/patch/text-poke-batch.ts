import { isNop } from './instructions.ts';
import type { Operation } from './operation.ts';
import { type Modification, onlineCpus, type Part, type PhaseSwitches, type TextWorld, threePhases } from './text-poke.ts';

/** Layout of `struct text_poke_loc` and of the array, from the image's ABI. */
export interface LocLayout {
  readonly size: number;
  readonly address: number;
  readonly disp: number;
  readonly length: number;
  readonly opcode: number;
  readonly oldOpcode: number;
  readonly oldDisp: number;
  /** The new bytes; written where another patcher reads them. */
  readonly text: number;
  readonly count: number;
}

export interface BatchSwitches extends PhaseSwitches {
  /** References are handed out after the INT3 instead of before: "descriptor after P1". */
  readonly publishLate?: boolean;
  /** References are taken back before the first byte is written: "drain before P3". */
  readonly drainEarly?: boolean;
  /** References are handed out to the cores of the online mask only, not to every possible one. */
  readonly onlineRefs?: boolean;
  /** References are taken back without waiting for the handlers that hold one: "skip the drain". */
  readonly noWait?: boolean;
  /** The array is emptied before the references are taken back. */
  readonly emptyFirst?: boolean;
}

/** One site of a batch: what is there, what comes. */
export interface BatchModification extends Modification {
  readonly old: Uint8Array;
  /** What the #BP handler does instead of the new instruction, as an instruction at the site (`emulate` of the kernel). Default: the new one. */
  readonly emulate?: Uint8Array;
}

const countOfArray = (world: TextWorld, layout: LocLayout): bigint => world.symbol('text_poke_array') + BigInt(layout.count);

/** `text_poke_array.nr = count`. */
export const storeCount = (world: TextWorld, layout: LocLayout, count: number): Operation => ({
  do: 'store',
  address: countOfArray(world, layout),
  bytes: 4,
  value: BigInt(count),
  what: 'text_poke_array.nr',
});

/**
 * The three-phase poke of today, v6.16 and later (kernel: `smp_text_poke_batch_add` for each site, `smp_text_poke_batch_finish`), by one patcher
 * that has the array to itself.
 */
export function* textPokeBatch(world: TextWorld, layout: LocLayout, batch: readonly BatchModification[], switches: BatchSwitches): Part {
  const ordered = [...batch].sort((a, b) => (a.site < b.site ? -1 : 1));
  for (const [i, m] of ordered.entries()) yield* storeRecord(world.symbol('text_poke_array') + BigInt(i * layout.size), layout, m);
  yield storeCount(world, layout, ordered.length);
  yield* batchFinish(world, layout, ordered, switches);
}

/**
 * Writes what the array says (kernel: `smp_text_poke_batch_finish`): one reference count a core guards the array. Before the first INT3 every core's
 * count becomes 1; a handler takes a reference while it uses the array; at the end the patcher takes its own back and waits until
 * no handler holds one.
 */
export function* batchFinish(world: TextWorld, layout: LocLayout, ordered: readonly Modification[], switches: BatchSwitches): Part {
  const ref = (core: number) => ({ address: world.percpuOf(core, 'REFS'), bytes: 4, what: `text_poke_array_refs[${core}]` }) as const;
  let counted = Array.from({ length: world.cores }, (_, core) => core);
  function* publish(): Part {
    if (switches.onlineRefs === true) {
      const online = yield* onlineCpus(world);
      counted = counted.filter((core) => (online & (1n << BigInt(core))) !== 0n);
    }
    for (const core of counted) yield { do: 'store', ...ref(core), value: 1n };
  }
  function* drain(): Part {
    if (switches.emptyFirst === true) yield storeCount(world, layout, 0);
    for (const core of counted) {
      yield { do: 'add', ...ref(core), value: -1n };
      if (switches.noWait !== true) yield { do: 'wait', ...ref(core), value: 0n };
    }
    if (switches.emptyFirst !== true) yield storeCount(world, layout, 0);
  }
  if (switches.publishLate !== true) yield* publish();
  if (switches.drainEarly === true) {
    yield* threePhases(world, ordered, { ...switches, order: 'right' }, { beforeHead: drain });
  } else {
    yield* threePhases(world, ordered, switches, switches.publishLate === true ? { afterFirst: publish } : {});
    yield* drain();
  }
  for (const m of ordered) yield { do: 'mark', mark: { kind: 'end', site: m.site } };
}

/** The opcode as the handler switches on it: a NOP of any form is 0x90, Jcc of both forms 0x70 + condition. Undefined for what it cannot emulate. */
export function emulated(bytes: Uint8Array): { opcode: number; disp: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = bytes[0] as number;
  if (isNop(bytes)) return { opcode: 0x90, disp: 0 };
  if (first === 0xe8 || first === 0xe9) return { opcode: first, disp: view.getInt32(1, true) };
  if (first === 0xeb || first >> 4 === 7) return { opcode: first, disp: view.getInt8(1) };
  if (first === 0xc3 || first === 0xcc) return { opcode: first, disp: 0 };
  if (first === 0x0f && (bytes[1] as number) >> 4 === 8) return { opcode: 0x70 + (bytes[1]! & 15), disp: view.getInt32(2, true) };
  return undefined;
}

/** What a handler that wrongly emulates the old instruction takes for one that it cannot emulate. */
const STEP_OVER = { opcode: 0x90, disp: 0 } as const;

/** The stores that fill a `struct text_poke_loc` (kernel: `text_poke_int3_loc_init`). An instruction that the handler cannot emulate is refused. */
export function* storeRecord(at: bigint, layout: LocLayout, m: BatchModification): Part {
  const fresh = emulated(m.emulate ?? m.bytes);
  if (fresh === undefined) throw new RangeError(`${m.name}: the #BP handler cannot emulate what comes here`);
  const old = emulated(m.old) ?? STEP_OVER;
  const put = (offset: number, bytes: number, value: number, what: string) =>
    ({
      do: 'store',
      address: at + BigInt(offset),
      bytes,
      value: BigInt.asUintN(bytes * 8, BigInt(value)),
      what: `${m.name} record ${what}`,
    }) as const;
  yield { do: 'store', address: at + BigInt(layout.address), bytes: 8, value: m.site, what: `${m.name} record addr` };
  yield put(layout.disp, 4, fresh.disp, 'disp');
  yield put(layout.length, 1, m.bytes.length, 'len');
  yield put(layout.opcode, 1, fresh.opcode, 'opcode');
  yield put(layout.oldOpcode, 1, old.opcode, 'old opcode');
  yield put(layout.oldDisp, 4, old.disp, 'old disp');
}
