import { Vector } from '../isa/core-state.ts';
import { RIGHTS } from '../isa/segments.ts';
import { AccessStopped, type Core, GuestFault } from './core.ts';
import { asSupervisor, noteFault, walk } from './paging.ts';
import type { MachineParts } from './parts.ts';
import type { HiddenSegment } from './segmentation.ts';

/** A segment or system descriptor in GDT or LDT (SDM Vol. 3, "Segment Descriptors" and "Segment Descriptor Types in IA-32e Mode"). */
export interface Descriptor {
  readonly selector: number;
  /** Linear address of its first byte. */
  readonly address: bigint;
  /** The first eight bytes. */
  readonly raw: bigint;
  /** Four bits; for a code or data segment bit 3 is code, bit 2 conforming / expand-down, bit 1 readable / writable, bit 0 accessed. */
  readonly type: number;
  /** S clear: a system descriptor (TSS, LDT, gate). */
  readonly system: boolean;
  readonly dpl: number;
  readonly present: boolean;
  /** L: 64-bit code. */
  readonly long: boolean;
  /** D/B. */
  readonly big: boolean;
  readonly base: bigint;
  /** Last valid offset, in bytes. */
  readonly limit: bigint;
  /** What it gives a segment register that is loaded with it. */
  readonly hidden: HiddenSegment;
}

export const DESCRIPTOR_TYPE = {
  tss16Available: 1,
  ldt: 2,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tssAvailable: 9,
  callGate: 12,
  interruptGate: 14,
  trapGate: 15,
  /** Bit of the type of a TSS in use. */
  busy: 2,
} as const;

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;
export const isCode = (d: Descriptor): boolean => !d.system && (d.type & 8) !== 0;
export const isConforming = (d: Descriptor): boolean => isCode(d) && (d.type & 4) !== 0;
export const isWritableData = (d: Descriptor): boolean => !d.system && (d.type & 10) === 2;
/** Data, or code that may be read. */
export const isReadable = (d: Descriptor): boolean => !d.system && (d.type & 10) !== 8;

/** Error code that names a selector. */
export const selectorError = (selector: number): number => selector & 0xfffc;

/** The last descriptor decoded from each selector's low bits: the same words mean the same. */
const DECODED: (Descriptor | undefined)[] = [];

function decodeDescriptor(selector: number, address: bigint, raw: bigint): Descriptor {
  const known = DECODED[selector & 0xff];
  if (known !== undefined && known.selector === selector && known.raw === raw && known.address === address) return known;
  const decoded = decodeFields(selector, address, raw);
  DECODED[selector & 0xff] = decoded;
  return decoded;
}

function decodeFields(selector: number, address: bigint, raw: bigint): Descriptor {
  const low = (raw & 0xffffn) | ((raw >> 32n) & 0xf0000n);
  const limit = ((raw >> 55n) & 1n) === 1n ? (low << 12n) | 0xfffn : low;
  const base = ((raw >> 16n) & 0xffffffn) | ((raw >> 32n) & 0xff000000n);
  return {
    selector,
    address,
    raw,
    type: Number((raw >> 40n) & 15n),
    system: ((raw >> 44n) & 1n) === 0n,
    dpl: Number((raw >> 45n) & 3n),
    present: ((raw >> 47n) & 1n) === 1n,
    long: ((raw >> 53n) & 1n) === 1n,
    big: ((raw >> 54n) & 1n) === 1n,
    base,
    limit,
    hidden: { base, limit, rights: Number((raw >> 40n) & 0xffffn) | RIGHTS.accessed },
  };
}

/** Reads the descriptor of a selector; undefined when it lies outside its table. Memory stops and faults as `Core.load`. */
export function readDescriptor(machine: MachineParts, core: Core, selector: number): Descriptor | undefined {
  const local = (selector & 4) !== 0;
  if (local && isNull(core.small('ldtr'))) return undefined;
  const limit = core.small(local ? 'ldtrLimit' : 'gdtrLimit') >>> 0;
  const offset = selector & 0xfff8;
  if (offset + 7 > limit) return undefined;
  const address = core.get(local ? 'ldtrBase' : 'gdtrBase') + BigInt(offset);
  return decodeDescriptor(
    selector,
    address,
    asSupervisor(machine, core, () => core.load(address, 8)),
  );
}

/**
 * Reads a 16-byte system descriptor (TSS, LDT, call gate in IA-32e mode) with its whole 64-bit base; `high` is its second half. Undefined when it
 * lies outside the table.
 */
export function readSystemDescriptor(
  machine: MachineParts,
  core: Core,
  selector: number,
): (Descriptor & { readonly high: bigint }) | undefined {
  const first = readDescriptor(machine, core, selector);
  const limit = core.small((selector & 4) !== 0 ? 'ldtrLimit' : 'gdtrLimit') >>> 0;
  if (first === undefined || (selector & 0xfff8) + 15 > limit) return undefined;
  const high = asSupervisor(machine, core, () => core.load(first.address + 8n, 8));
  return { ...first, high, base: first.base | ((high & 0xffffffffn) << 32n) };
}

/** Sets bits of the type field in memory, as one locked update: the accessed bit, or the busy bit of a TSS. */
export function setTypeBits(machine: MachineParts, core: Core, descriptor: Descriptor, bits: number): void {
  if ((descriptor.type & bits) === bits) return;
  const at = walk(machine, core, descriptor.address + 5n, 'write', true);
  if ('fault' in at) {
    noteFault(machine, core, at);
    throw new AccessStopped();
  }
  if (!('physical' in at)) throw new GuestFault(Vector.GP);
  machine.writePhysical(at.physical, 1, machine.readPhysical(at.physical, 1) | BigInt(bits));
}

/** Whether the task register names a 16-bit TSS: its descriptor as it is now, since of the hidden part no type is kept. */
export function hasTss16(machine: MachineParts, core: Core): boolean {
  const tr = core.small('tr');
  return !isNull(tr) && readDescriptor(machine, core, tr)?.type === (DESCRIPTOR_TYPE.tss16Available | DESCRIPTOR_TYPE.busy);
}
