import { callTo, jumpTo, nop5 } from './instructions.ts';
import { locked } from './mutex.ts';
import type { Operation } from './operation.ts';
import type { SiteWriter } from './site-writer.ts';
import type { Part, TextWorld } from './text-poke.ts';

/** What `bpfArchTextPoke` answers. */
export type PokeResult = 'poked' | 'already' | 'EBUSY';
type Poke = Generator<Operation, PokeResult, bigint>;

/** A site of BPF: five bytes that are a NOP or go to some function. */
export interface BpfSite {
  readonly address: bigint;
  readonly name: string;
  readonly type: 'call' | 'jump';
}

export interface BpfPokeSwitches {
  /** The bytes that are there are not compared with what the caller believes. */
  readonly compare?: false;
  /** An ENDBR64 in front of the site is taken for the site. */
  readonly skipEndbr?: false;
  /** text_mutex is not taken. */
  readonly lock?: false;
}

/** How text is written, and the steps that are left out. */
export interface BpfText {
  readonly world: TextWorld;
  readonly write: SiteWriter;
  readonly switches?: BpfPokeSwitches;
}

const ENDBR64 = 0xfa1e0ff3n;
const ENDBR_BYTES = 4n;

/** The instruction at a site that goes to `target`; 0 is a NOP. */
export function bpfText({ address, type }: BpfSite, target: bigint): Uint8Array {
  if (target === 0n) return nop5();
  return type === 'call' ? callTo(address, target) : jumpTo(address, target);
}

/**
 * Makes a site that goes to `from` go to `to`, 0 being nothing (kernel: `bpf_arch_text_poke`): under text_mutex what is there is compared with what
 * goes to `from`; other bytes are -EBUSY. The site of a function that begins with ENDBR64 is behind that.
 */
export function* bpfArchTextPoke(text: BpfText, site: BpfSite, from: bigint, to: bigint): Poke {
  const { world, write, switches = {} } = text;
  const head = yield { do: 'load', address: site.address, bytes: 4, what: site.name };
  const at: BpfSite = head === ENDBR64 && switches.skipEndbr !== false ? { ...site, address: site.address + ENDBR_BYTES } : site;
  let result: PokeResult = 'poked';
  function* poke(): Part {
    const old = bpfText(at, from);
    const bytes = bpfText(at, to);
    if (switches.compare !== false) {
      const found = yield* read(at);
      if (!same(found, old)) {
        result = 'EBUSY';
        return;
      }
      if (same(found, bytes)) {
        result = 'already';
        return;
      }
    }
    yield* write({ site: at.address, name: at.name, old, bytes });
  }
  yield* switches.lock === false ? poke() : locked(world, 'text_mutex', poke());
  return result;
}

function* read({ address, name }: BpfSite): Generator<Operation, Uint8Array, bigint> {
  const head = yield { do: 'load', address, bytes: 4, what: name };
  const last = yield { do: 'load', address: address + 4n, bytes: 1, what: name };
  return Uint8Array.from([0n, 8n, 16n, 24n].map((shift) => Number((head >> shift) & 0xffn)).concat(Number(last)));
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

/** The two sites of a direct tail call, and where the first one jumps while there is nothing to call. */
export interface PokeDescriptor {
  readonly bypass: BpfSite;
  readonly target: BpfSite;
  readonly bypassAddress: bigint;
}

/** Functions that an update calls. */
export interface TailCallKernel {
  readonly synchronizeRcu: bigint;
  /** BUG: takes the address of the site. */
  readonly bug: bigint;
}

export interface TailCallSwitches {
  /** The two pokes of an insertion trade places: the bypass opens before there is a target. */
  readonly bypassFirst?: boolean;
  /** The two pokes of a removal trade places: the target goes while the bypass is open. */
  readonly targetFirst?: boolean;
  /** A removal does not wait between its pokes. */
  readonly noGracePeriod?: boolean;
}

/**
 * A program array's element goes from `old` to `next`, 0 being none, and the tail calls through it follow (kernel: `bpf_arch_poke_desc_update`). Whoever is
 * behind the bypass has unwound its frame and must find a target.
 */
function* bpfPokeDescUpdate(
  text: BpfText,
  kernel: TailCallKernel,
  poke: PokeDescriptor,
  old: bigint,
  next: bigint,
  switches: TailCallSwitches = {},
): Part {
  function* change(site: BpfSite, from: bigint, to: bigint): Poke {
    const result = yield* bpfArchTextPoke(text, site, from, to);
    if (result === 'EBUSY') yield { do: 'call', address: kernel.bug, args: [site.address], what: 'BUG' };
    return result;
  }
  const target = (): Poke => change(poke.target, old, next);
  if (next !== 0n) {
    const open = (): Poke => change(poke.bypass, poke.bypassAddress, 0n);
    if (switches.bypassFirst === true && old === 0n) yield* open();
    yield* target();
    if (switches.bypassFirst !== true && old === 0n) yield* open();
    return;
  }
  if (switches.targetFirst === true) yield* target();
  const closed = yield* change(poke.bypass, old === 0n ? poke.bypassAddress : 0n, poke.bypassAddress);
  if (closed === 'poked' && switches.noGracePeriod !== true) {
    yield { do: 'call', address: kernel.synchronizeRcu, what: 'synchronize_rcu' };
  }
  if (switches.targetFirst !== true) yield* target();
}

/** Words of a program array's element and of a program that is being loaded, by their addresses. */
export interface ProgArray {
  readonly element: bigint;
  readonly stable: bigint;
  readonly ksym: bigint;
}

export interface LoadSwitches {
  /** An update looks the text up first, and does nothing where it is not found: the program is not known yet. */
  readonly lookUp?: boolean;
  /** The descriptor counts as stable before the element was read and its text written. */
  readonly stableFirst?: boolean;
}

/** An update of the element from user space (kernel: `prog_array_map_poke_run`): under poke_mutex, and only for a descriptor that is stable. */
export function* progArrayUpdate(
  text: BpfText,
  kernel: TailCallKernel,
  poke: PokeDescriptor,
  array: ProgArray,
  next: bigint,
  switches: LoadSwitches & TailCallSwitches = {},
): Part {
  function* update(): Part {
    const old = yield { do: 'load', address: array.element, bytes: 8, what: 'prog_array_ptr' };
    yield { do: 'store', address: array.element, bytes: 8, value: next, what: 'prog_array_ptr' };
    const stable = yield { do: 'load', address: array.stable, bytes: 4, what: 'tailcall_target_stable' };
    if (stable === 0n) return;
    if (switches.lookUp === true) {
      const known = yield { do: 'load', address: array.ksym, bytes: 4, what: 'bpf_ksym_added' };
      if (known === 0n) return;
    }
    yield* bpfPokeDescUpdate(text, kernel, poke, old, next, switches);
  }
  yield* locked(text.world, 'poke_mutex', update());
}

/** The end of a program's load (kernel: `bpf_tail_call_direct_fixup`, `bpf_prog_kallsyms_add`): its text follows the element, its descriptor is stable, it is known. */
export function* loadProgram(
  text: BpfText,
  kernel: TailCallKernel,
  poke: PokeDescriptor,
  array: ProgArray,
  switches: LoadSwitches = {},
): Part {
  const stable: Operation = { do: 'store', address: array.stable, bytes: 4, value: 1n, what: 'tailcall_target_stable' };
  function* fixup(): Part {
    const element = yield { do: 'load', address: array.element, bytes: 8, what: 'prog_array_ptr' };
    if (element !== 0n) yield* bpfPokeDescUpdate(text, kernel, poke, 0n, element);
    if (switches.stableFirst !== true) yield stable;
  }
  if (switches.stableFirst === true) yield stable;
  yield* locked(text.world, 'poke_mutex', fixup());
  yield { do: 'store', address: array.ksym, bytes: 4, value: 1n, what: 'bpf_ksym_added' };
}
