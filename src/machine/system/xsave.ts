import { EXTENDED_START, OFFSET, RAX, RCX, RDX, Vector, x87Offset } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { CR4, hasCr4, requireCpl0 } from './checks.ts';
import {
  type AddressBytes,
  areHalvesZero,
  loadHalves,
  loadMxcsr,
  loadX87,
  putHalves,
  storeHalves,
  storeMxcsr,
  storeX87,
} from './legacy-area.ts';
import { StateArea } from './state-area.ts';
import { initializeWords, putRegisters } from './x87-image.ts';

/** The XSAVE feature set: x87, SSE and AVX state (SDM Vol. 1, "Managing State Using the XSAVE Feature Set"). No supervisor state is there: IA32_XSS is 0. */

const X87 = 1n;
const SSE = 2n;
const AVX = 4n;
/** Components that XCR0 may enable. */
export const XCR0_ALL = X87 | SSE | AVX;

const HEADER_AT = 512;
/** Size and place of the AVX component; in the compacted form it is there, too, since it is the only one. */
export const AVX_AT = 576;
export const AVX_BYTES = 256;
const ALIGNMENT = 64;
const COMPACT = 1n << 63n;
const ALL_QUADS_ZERO = Array.from({ length: 32 }, () => 0n);
const MXCSR_START = EXTENDED_START.get(OFFSET.mxcsr) ?? 0n;

/** XCR0: its bit for the x87 FPU is always set. */
export const xcr0Of = (core: Core): bigint => core.get('xcr0') | X87;

/** Bytes of an area for these components. */
export const areaBytes = (components: bigint): number => ((components & AVX) === 0n ? AVX_AT : AVX_AT + AVX_BYTES);

/** Components that are not in their initial state. */
export function inUse(core: Core): bigint {
  return (isX87New(core) ? 0n : X87) | (areHalvesZero(core, 0) ? 0n : SSE) | (areHalvesZero(core, 1) ? 0n : AVX);
}

function isX87New(core: Core): boolean {
  const words = core.get('fcw') === 0x37fn && (['fsw', 'ftw', 'fop', 'fip', 'fdp'] as const).every((word) => core.get(word) === 0n);
  return words && Array.from({ length: 16 }, (_, n) => core.rawLong(x87Offset(0) + 8 * n)).every((value) => value === 0n);
}

/** EDX:EAX of what XCR0 enables. */
function requested(core: Core): bigint {
  return xcr0Of(core) & (((core.gpr(RDX) & 0xffffffffn) << 32n) | (core.gpr(RAX) & 0xffffffffn));
}

/** #UD where the operating system has not enabled the set. */
function requireOsxsave(core: Core): void {
  if (!hasCr4(core, CR4.osxsave)) throw new GuestFault(Vector.UD);
}

const CR0_TS = 8n;

function require(core: Core): void {
  requireOsxsave(core);
  if ((core.get('cr0') & CR0_TS) !== 0n) throw new GuestFault(Vector.NM);
}

function storeComponents(core: Core, area: StateArea, components: bigint, bytes: AddressBytes): void {
  if ((components & X87) !== 0n) storeX87(core, area, bytes);
  if ((components & SSE) !== 0n) storeHalves(core, area, 0);
  if ((components & AVX) !== 0n) storeHalves(core, area, 1, AVX_AT);
}

/** XSAVE, and XSAVEOPT, which leaves out what is in its initial state. */
export const xsave =
  (bytes: AddressBytes, optimized: boolean): SystemHelper =>
  (_machine, core, instruction, fields) => {
    require(core);
    const area = new StateArea(core, instruction, fields, ALIGNMENT);
    const components = requested(core);
    const used = inUse(core);
    area.probe(0, areaBytes(components) - 1);
    const old = area.load(HEADER_AT, 8);
    storeComponents(core, area, optimized ? components & used : components, bytes);
    if ((components & (SSE | AVX)) !== 0n) storeMxcsr(core, area);
    area.store(HEADER_AT, 8, (old & ~components) | (used & components));
    return 'next';
  };

/** XSAVEC and XSAVES: the compacted form, without what is in its initial state. MXCSR belongs to SSE there. */
export const xsavec =
  (bytes: AddressBytes, isSupervisor: boolean): SystemHelper =>
  (_machine, core, instruction, fields) => {
    require(core);
    if (isSupervisor) requireCpl0(core);
    const area = new StateArea(core, instruction, fields, ALIGNMENT);
    const components = requested(core);
    const used = (inUse(core) | (core.get('mxcsr') === MXCSR_START ? 0n : SSE)) & components;
    area.probe(0, areaBytes(components) - 1);
    storeComponents(core, area, used, bytes);
    if ((used & SSE) !== 0n) storeMxcsr(core, area);
    area.store(HEADER_AT, 8, used);
    area.store(HEADER_AT + 8, 8, components | COMPACT);
    return 'next';
  };

interface Header {
  /** XSTATE_BV: what the area holds; all else takes its initial state. */
  readonly present: bigint;
  readonly isCompact: boolean;
}

/** #GP(0) for a header that no save instruction makes. */
function readHeader(core: Core, area: StateArea, compactOnly: boolean): Header {
  // Its first byte, then the header: as recorded.
  area.load(0, 1);
  const [present, layout, third] = [0, 8, 16].map((at) => area.load(HEADER_AT + at, 8)) as [bigint, bigint, bigint];
  const isCompact = (layout & COMPACT) !== 0n;
  const enabled = xcr0Of(core);
  const rest = isCompact ? [24, 32, 40, 48, 56].map((at) => area.load(HEADER_AT + at, 8)) : [];
  const isWrong = isCompact
    ? (layout & ~COMPACT & ~enabled) !== 0n || (present & ~layout) !== 0n || third !== 0n || rest.some((value) => value !== 0n)
    : compactOnly || (present & ~enabled) !== 0n || layout !== 0n || third !== 0n;
  if (isWrong) throw new GuestFault(Vector.GP);
  return { present, isCompact };
}

/** XRSTOR, and XRSTORS, which takes the compacted form alone. */
export const xrstor =
  (bytes: AddressBytes, isSupervisor: boolean): SystemHelper =>
  (_machine, core, instruction, fields) => {
    require(core);
    if (isSupervisor) requireCpl0(core);
    const area = new StateArea(core, instruction, fields, ALIGNMENT);
    const components = requested(core);
    const { present, isCompact } = readHeader(core, area, isSupervisor);
    const puts: (() => void)[] = [];
    const take = (component: bigint, load: () => () => void, initial: () => void): void => {
      if ((components & component) === 0n) return;
      puts.push((present & component) === 0n ? initial : load());
    };
    take(
      X87,
      () => loadX87(core, area, bytes),
      () => {
        initializeWords(core);
        putRegisters(
          core,
          Array.from({ length: 8 }, () => [0n, 0n] as const),
        );
      },
    );
    take(
      SSE,
      () => loadHalves(core, area, 0),
      () => putHalves(core, 0, ALL_QUADS_ZERO),
    );
    take(
      AVX,
      () => loadHalves(core, area, 1, AVX_AT),
      () => putHalves(core, 1, ALL_QUADS_ZERO),
    );
    if (!isCompact && (components & (SSE | AVX)) !== 0n) puts.push(loadMxcsr(core, area));
    if (isCompact)
      take(
        SSE,
        () => loadMxcsr(core, area),
        () => core.set('mxcsr', MXCSR_START),
      );
    for (const put of puts) put();
    return 'next';
  };

/** ECX 0: XCR0. ECX 1: those of its components that are in use. */
export const xgetbv: SystemHelper = (_machine, core) => {
  requireOsxsave(core);
  const number = core.gpr(RCX) & 0xffffffffn;
  if (number > 1n) throw new GuestFault(Vector.GP);
  const value = number === 0n ? xcr0Of(core) : xcr0Of(core) & inUse(core);
  core.setGpr(RAX, value & 0xffffffffn);
  core.setGpr(RDX, value >> 32n);
  return 'next';
};

/** XCR0 must have the x87 FPU, and AVX only with SSE. */
export const xsetbv: SystemHelper = (_machine, core) => {
  requireOsxsave(core);
  requireCpl0(core);
  const value = ((core.gpr(RDX) & 0xffffffffn) << 32n) | (core.gpr(RAX) & 0xffffffffn);
  const isWrong = (value & ~XCR0_ALL) !== 0n || (value & X87) === 0n || (value & (SSE | AVX)) === AVX;
  if ((core.gpr(RCX) & 0xffffffffn) !== 0n || isWrong) throw new GuestFault(Vector.GP);
  core.set('xcr0', value);
  return 'next';
};
