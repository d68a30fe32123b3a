import { type Modification, type Part, type PhaseSwitches, type TextWorld, threePhases } from './text-poke.ts';

/** Layout of `struct text_poke_loc` and of the array, from the image's ABI. */
export interface LocLayout {
  readonly size: number;
  readonly address: number;
  readonly disp: number;
  readonly length: number;
  readonly opcode: number;
  readonly oldOpcode: number;
  readonly oldDisp: number;
  readonly count: number;
}

export interface BatchSwitches extends PhaseSwitches {
  /** References are handed out after the INT3 instead of before: "descriptor after P1". */
  readonly publishLate?: boolean;
  /** References are taken back before the first byte is written: "drain before P3". */
  readonly drainEarly?: boolean;
}

/** One site of a batch: what is there, what comes. */
export interface BatchModification extends Modification {
  readonly old: Uint8Array;
}

/**
 * The three-phase poke of today, v6.16 and later (kernel: `smp_text_poke_batch_finish`): an array of records and one reference count a core. Before
 * the first INT3 every core's count becomes 1; a handler takes a reference while it uses the array; at the end the patcher takes its own
 * back and waits until no handler holds one.
 */
export function* textPokeBatch(world: TextWorld, layout: LocLayout, batch: readonly BatchModification[], switches: BatchSwitches): Part {
  const array = world.symbol('text_poke_array');
  const refs = Array.from({ length: world.cores }, (_, c) => world.percpuOf(c, 'REFS'));
  const ordered = [...batch].sort((a, b) => (a.site < b.site ? -1 : 1));
  for (const [i, m] of ordered.entries()) yield* record(array + BigInt(i * layout.size), layout, m);
  yield { do: 'store', address: array + BigInt(layout.count), bytes: 4, value: BigInt(ordered.length), what: 'text_poke_array.nr' };
  function* publish(): Part {
    for (const [c, address] of refs.entries()) yield { do: 'store', address, bytes: 4, value: 1n, what: `text_poke_array_refs[${c}]` };
  }
  function* drain(): Part {
    for (const [c, address] of refs.entries()) {
      yield { do: 'add', address, bytes: 4, value: -1n, what: `text_poke_array_refs[${c}]` };
      yield { do: 'wait', address, bytes: 4, value: 0n, what: `text_poke_array_refs[${c}]` };
    }
    yield { do: 'store', address: array + BigInt(layout.count), bytes: 4, value: 0n, what: 'text_poke_array.nr' };
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

/** The opcode as the handler switches on it: a NOP of any form is 0x90, Jcc rel32 is 0x70 + condition. */
function emulated(bytes: Uint8Array): { opcode: number; disp: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (bytes[0]) {
    case 0xe8:
    case 0xe9:
      return { opcode: bytes[0], disp: view.getInt32(1, true) };
    case 0xeb:
      return { opcode: 0xeb, disp: view.getInt8(1) };
    case 0xc3:
      return { opcode: 0xc3, disp: 0 };
    case 0xcc:
      return { opcode: 0xcc, disp: 0 };
    case 0x0f:
      return bytes[1] === 0x1f ? { opcode: 0x90, disp: 0 } : { opcode: 0x70 + (bytes[1]! & 15), disp: view.getInt32(2, true) };
    default:
      return { opcode: 0x90, disp: 0 };
  }
}

function* record(at: bigint, layout: LocLayout, m: BatchModification): Part {
  const fresh = emulated(m.bytes);
  const old = emulated(m.old);
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
