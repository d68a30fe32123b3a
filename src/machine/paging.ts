import { CORE, ITLB, inMode, PAGE, PAGE_INFO_BASE, Stop, TLB } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { AC, Vector } from '../isa/core-state.ts';
import { type Decoded, decode } from '../isa/decode.ts';
import { watchesPage } from './breakpoints.ts';
import type { Core } from './core.ts';
import { EFER_NXE, followTables, PTE, pagingMode } from './paging-modes.ts';
import type { MachineParts } from './parts.ts';
import { isLong } from './segmentation.ts';

/** What a translation is for. */
export type Access = 'read' | 'write' | 'fetch';

/** A guest fault as a value: nothing has happened to the core yet. `cr2` is there for #PF only. */
export interface Fault {
  /** The vector. */
  readonly fault: number;
  readonly errorCode: bigint;
  readonly cr2?: bigint;
}

/** Where a linear address lies. */
export interface Page {
  /** Physical address of the byte. */
  readonly physical: number;
  /** A store in the same mode needs no other walk: it is permitted and the dirty flag is set. */
  readonly writable: boolean;
  /** An instruction fetch in the same mode is permitted. */
  readonly executable: boolean;
}

/** Translated, but there is no memory: the address is behind the end of RAM. */
export interface Absent {
  readonly absent: true;
  readonly at: number;
}

/** Bits of a #PF error code (SDM Vol. 3, "Page-Fault Exceptions"). */
const ERROR = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

export const CR0_WP = 1n << 16n;
const CR4_SMEP = 1n << 20n;
export const CR4_SMAP = 1n << 21n;

/** Whether bits 63 to 47 of a linear address are equal (SDM Vol. 1, "Canonical Addressing"). */
export const isCanonical = (address: bigint): boolean => BigInt.asIntN(48, address) === BigInt.asIntN(64, address);

/** `nonCanonical`: the caller raises #GP(0) or #SS(0), which depends on the instruction and not on the address. */
export type Walk = Page | Absent | Fault | { readonly nonCanonical: true };

/**
 * Translates a linear address as the core would now, in the paging mode that it is in (SDM Vol. 3, "Paging", "Determination of Access Rights"): pages of all
 * sizes, CR0.WP, EFER.NXE, SMEP, SMAP, reserved bits. On success the accessed flags, and for a write the dirty flag, are set where they were clear. The pages
 * that hold the tables are marked `PAGE.pageTable`. With CR0.PG clear linear addresses are physical. Outside IA-32e mode they have 32 bits.
 *
 * `implicitSupervisor`: an access to a descriptor table or TSS, a supervisor access whatever the CPL, which EFLAGS.AC does not excuse.
 */
export function walk(machine: MachineParts, core: Core, address: bigint, access: Access, implicitSupervisor = false): Walk {
  const long = isLong(core);
  const linear = BigInt.asUintN(long ? 64 : 32, address);
  if (long && !isCanonical(linear)) return { nonCanonical: true };
  const { ramBytes } = machine.engine.map;
  const [cr0, cr4, efer] = [core.get('cr0'), core.get('cr4'), core.get('efer')];
  const mode = pagingMode({ cr0, cr4, efer });
  if (mode === undefined) return inRam(Number(linear & 0xffffffffn), true, true, ramBytes);

  const user = core.small('cpl') === 3 && !implicitSupervisor;
  const reportsFetch = access === 'fetch' && ((mode.hasNoExecute && (efer & EFER_NXE) !== 0n) || (cr4 & CR4_SMEP) !== 0n);
  const code = (access === 'write' ? ERROR.write : 0) | (user ? ERROR.user : 0) | (reportsFetch ? ERROR.fetch : 0);

  const path = followTables(core, mode, linear, (at, bytes) => {
    if (at >= ramBytes) return undefined;
    markPageTable(machine, at);
    return machine.readPhysical(at, bytes);
  });
  if (path.kind === 'absent') return { absent: true, at: path.at };
  if (path.kind === 'notPresent') return pageFault(code, linear);
  if (path.kind === 'reserved') return pageFault(code | ERROR.present | ERROR.reserved, linear);

  const { used } = path;
  const leaf = used[used.length - 1]!;
  let rights = leaf.entry;
  let noExecute = leaf.entry;
  for (const { entry } of used) {
    rights &= entry;
    noExecute |= entry;
  }
  const userPage = (rights & PTE.user) !== 0n;
  const mayWrite = (rights & PTE.write) !== 0n || (!user && (cr0 & CR0_WP) === 0n);
  const executable = (noExecute & PTE.noExecute) === 0n && (user ? userPage : !userPage || (cr4 & CR4_SMEP) === 0n);
  const smap = (cr4 & CR4_SMAP) !== 0n && (implicitSupervisor || (core.small('flagSystem') & AC) === 0);
  const readable = user ? userPage : !(userPage && smap);
  const permitted = access === 'fetch' ? executable : readable && (access !== 'write' || mayWrite);
  if (!permitted) return pageFault(code | ERROR.present, linear);

  for (const { at, entry } of used) {
    const wanted = entry | PTE.accessed | (access === 'write' && at === leaf.at ? PTE.dirty : 0n);
    if (wanted !== entry) machine.writePhysical(at, mode.entryBytes, wanted);
  }
  return inRam(path.physical, mayWrite && (access === 'write' || (leaf.entry & PTE.dirty) !== 0n), executable, ramBytes);
}

const pageFault = (code: number, linear: bigint): Fault => ({ fault: Vector.PF, errorCode: BigInt(code), cr2: linear });

const inRam = (physical: number, writable: boolean, executable: boolean, ramBytes: number): Page | Absent =>
  physical < ramBytes ? { physical, writable, executable } : { absent: true, at: physical };

/** Notes that a physical page holds paging structures; stores to it may no longer take the fast path anywhere. */
function markPageTable(machine: MachineParts, physical: number): void {
  const { words } = machine.engine;
  const at = (PAGE_INFO_BASE >> 2) + (physical >>> 12);
  const info = words[at] as number;
  if ((info & PAGE.pageTable) !== 0) return;
  words[at] = info | PAGE.pageTable;
  for (const core of machine.cores) machine.flushTlb(core);
}

/** Bytes of a YMM register. */
const LONGEST = 32n;
/** The tag of no page, without any permission: the last page of the address space must not match it. */
const NO_PAGE = 0xfffffffffffff000n;

/**
 * The engine's TLB miss (`EngineHost.walk`) for an access of `bytes` bytes: translates and fills the core's TLB entry. Returns the offset in linear memory of the byte, or 0
 * after noting a fault in the core's block. `kind`: 0 data, 1 stack, 2 the instruction's memory operand.
 */
export function fillTlb(machine: MachineParts, core: Core, address: bigint, access: 'read' | 'write', kind: number, bytes: number): number {
  const { engine } = machine;
  const linear = BigInt.asUintN(64, address);
  const found = walk(machine, core, linear, access);
  // An address that is not canonical comes before a page fault, also where only the end of the access has one (as measured).
  const endsOutside =
    'fault' in found && !isCanonical(BigInt.asUintN(64, linear + BigInt(lengthOf(machine, core, linear, kind, bytes) - 1)));
  const result: Walk = endsOutside ? { nonCanonical: true } : found;
  if ('absent' in result) throw noMemory(core, linear, result.at);
  if (!('physical' in result)) {
    noteFault(machine, core, 'fault' in result ? result : addressFault(machine, core, kind));
    return 0;
  }
  const page = linear & ~0xfffn;
  const physicalPage = result.physical & ~0xfff;
  engine.touch(physicalPage);
  const info = engine.words[(PAGE_INFO_BASE >> 2) + (physicalPage >>> 12)] as number;
  const watched = watchesPage(core, linear);
  const fast = !watched && (info & PAGE.absent) === 0 && machine.fastPage(core, info, physicalPage);
  const at = core.base + CORE.tlb + Number((linear >> 12n) & BigInt(TLB.entries - 1)) * TLB.bytes;
  const { longs, words, map } = engine;
  const none = 0xffffffffffffffffn;
  longs[(at + TLB.tagRead) >> 3] = fast ? page : none;
  const writes = fast && result.writable && (info & PAGE.pageTable) === 0;
  if (writes && (info & PAGE.hasRecords) === 0) longs[(at + TLB.tagWrite) >> 3] = page;
  else longs[(at + TLB.tagWrite) >> 3] = writes && !engine.features.explore ? page | BigInt(TLB.holdsCode) : none;
  // Of a watched page each access has to be looked at.
  longs[(at + TLB.tagAny) >> 3] = watched ? NO_PAGE : page | (result.writable ? 3n : 1n) | (result.executable ? 4n : 0n);
  words[(at + TLB.delta) >> 2] = map.ram + physicalPage - Number(page & 0xffffffffn);
  words[(at + TLB.info) >> 2] = info;
  return map.ram + result.physical;
}

/**
 * Translates an instruction address, an offset in CS, and fills the core's instruction TLB entry on success where every offset of its page is a place of an instruction. A
 * non-canonical address, and one beyond the limit of CS, is #GP(0).
 */
export function translateFetch(machine: MachineParts, core: Core, address: bigint): Page | Absent | Fault {
  const rip = BigInt.asUintN(64, address);
  const { mode } = core;
  const [base, high] = mode === 0 ? [0n, ALL_OFFSETS] : [core.get('csBase'), core.get('csHigh')];
  if (rip > high) return { fault: Vector.GP, errorCode: 0n };
  const linear = mode === 0 ? rip : BigInt.asUintN(32, base + rip);
  const result = walk(machine, core, linear, 'fetch');
  if ('nonCanonical' in result) return { fault: Vector.GP, errorCode: 0n };
  if (!('physical' in result)) return result;
  machine.engine.touch(result.physical);
  if (mode !== 0 && ((base & 0xfffn) !== 0n || (rip | 0xfffn) > high)) return result;
  const at = core.base + CORE.itlb + Number((rip >> 12n) & BigInt(ITLB.entries - 1)) * ITLB.bytes;
  machine.engine.longs[(at + ITLB.tag) >> 3] = rip & ~0xfffn;
  machine.engine.words[(at + ITLB.physical) >> 2] = inMode(result.physical & ~0xfff, mode);
  return result;
}

const ALL_OFFSETS = 0xffffffffffffffffn;

/** Writes a fault into the core's block the way a handler that raises one does. */
export function noteFault(machine: MachineParts, core: Core, fault: Fault): void {
  core.setRawLong(CORE.stopVector, BigInt(fault.fault));
  core.setRawLong(CORE.stopError, fault.errorCode);
  core.setRawLong(CORE.stopKind, 0n);
  if (fault.cr2 !== undefined) core.setRawLong(CORE.stopCr2, fault.cr2);
  machine.engine.globals.stop.value = Stop.exception + 1;
}

/** #SS(0) for a stack access through an address that is not canonical, else #GP(0) (SDM Vol. 3, "Stack Fault Exception"). */
function addressFault(machine: MachineParts, core: Core, kind: number): Fault {
  const stack = kind === 1 || (kind === 2 && operandIsStack(machine, core));
  return { fault: stack ? Vector.SS : Vector.GP, errorCode: 0n };
}

/** Whether the memory operand of the instruction at RIP goes through RSP or RBP. */
function operandIsStack(machine: MachineParts, core: Core): boolean {
  const decoded = atRip(machine, core);
  return decoded.kind === 'instruction' && decoded.fields.stackSegment;
}

/** Bytes of an access that begins at `linear`: those of the whole operand where vectors are read in pieces and the piece may be the first one. */
function lengthOf(machine: MachineParts, core: Core, linear: bigint, kind: number, piece: number): number {
  if (kind !== 2 || piece !== 8 || isCanonical(BigInt.asUintN(64, linear + LONGEST))) return piece;
  const decoded = atRip(machine, core);
  const operand = decoded.kind === 'instruction' ? decoded.instruction.operands.find((o) => o.kind === 'memory') : undefined;
  return operand !== undefined && operand.size > 64 ? operand.size / 8 : piece;
}

/** The instruction at RIP, for what is rare enough to decode it again. */
function atRip(machine: MachineParts, core: Core): Decoded {
  const bytes: number[] = [];
  for (let n = 0; n < 15; n++) {
    const at = walk(machine, core, core.get('rip') + BigInt(n), 'fetch');
    if (!('physical' in at)) break;
    bytes.push(Number(machine.readPhysical(at.physical, 1)));
  }
  return decode(Uint8Array.from(bytes));
}

function noMemory(core: Core, linear: bigint, physical: number): TextpokeError {
  return new TextpokeError('E_GUEST', `there is no memory at physical address 0x${physical.toString(16)}`, {
    where: `core ${core.index}, rip 0x${core.get('rip').toString(16)}, linear address 0x${linear.toString(16)}`,
    hint: 'give the machine more RAM, or check the page tables of the guest',
  });
}

/**
 * Runs `body` with its memory accesses as implicit supervisor accesses (SDM Vol. 3, "Access Rights"), then gives the core its CPL and AC
 * back, also when `body` throws.
 */
export function asSupervisor<T>(machine: MachineParts, core: Core, body: () => T): T {
  const cpl = core.small('cpl');
  const flags = core.small('flagSystem');
  if (cpl !== 3 && ((flags & AC) === 0 || (core.get('cr4') & CR4_SMAP) === 0n)) return body();
  core.setSmall('cpl', 0);
  core.setSmall('flagSystem', flags & ~AC);
  machine.flushTlb(core);
  try {
    return body();
  } finally {
    core.setSmall('cpl', cpl);
    core.setSmall('flagSystem', flags);
    machine.flushTlb(core);
  }
}
