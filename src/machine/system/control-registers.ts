import { CORE } from '../../engine/layout.ts';
import { TextpokeError } from '../../error.ts';
import { Vector } from '../../isa/core-state.ts';
import { RIGHTS } from '../../isa/segments.ts';
import { type Core, GuestFault } from '../core.ts';
import { hasTss16 } from '../descriptors.ts';
import { CR0_WP } from '../paging.ts';
import { CR0_PE, CR0_PG, EFER_LMA, EFER_LME, isPae, PHYSICAL_BITS, readPdptes, setPdptes } from '../paging-modes.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { updateMode } from '../segmentation.ts';
import { CR4, requireCpl0, requireUmip, serializing } from './checks.ts';
import { readOperand, writeOperand } from './operands.ts';

/** MOV to and from control registers, CLTS, SMSW, LMSW (SDM Vol. 3, "Control Registers"), and the switches between the modes of operation that they make. */

const CR0 = { ts: 1n << 3n, et: 1n << 4n, nw: 1n << 29n, cd: 1n << 30n } as const;
/** PE MP EM TS ET NE WP AM NW CD PG. */
const CR0_DEFINED = 0xe005003fn;
const CR4_DEFINED = Object.values(CR4).reduce((a, b) => a | b);
/** What says how addresses are translated. */
const CR4_PAGING = CR4.pse | CR4.pae | CR4.smep | CR4.smap;
const CR3_RESERVED = 0xffffffffffffffffn & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);

/** Changes of these with PAE paging, and what begins it, load its four entries, as MOV to CR3 does (SDM Vol. 3, "PDPTE Registers"). */
const CR0_LOADS = CR0_PG | CR0.cd | CR0.nw;
const CR4_LOADS = CR4.pae | CR4.pge | CR4.pse | CR4.smep;

/** `cr8` keeps CR8 in bits 3:0 and the low half of the task-priority register, which only the APIC shows, in bits 7:4. */
const CR8_MASK = 0xfn;

const NAMES = { 0: 'cr0', 2: 'cr2', 3: 'cr3', 4: 'cr4', 8: 'cr8' } as const;
type ControlRegister = keyof typeof NAMES;

const numberOf = (immediate: bigint): ControlRegister => Number(immediate) as ControlRegister;

export const movFromCr: SystemHelper = (_machine, core, instruction, fields) => {
  requireCpl0(core);
  const number = numberOf(fields.immediate);
  const value = core.get(NAMES[number]);
  writeOperand(core, instruction, fields, 0, number === 8 ? value & CR8_MASK : value);
  return 'next';
};

export const movToCr: SystemHelper = (machine, core, instruction, fields) => {
  requireCpl0(core);
  const number = numberOf(fields.immediate);
  const value = readOperand(core, instruction, fields, 1);
  if (refuses(machine, core, number, value)) throw new GuestFault(Vector.GP);
  if (number === 8) {
    core.set('cr8', value);
    return 'nextAndLook';
  }
  const before = controlOf(core);
  const after = controlWith(before, number, value);
  const loads = loadsPdptes(before, after, number);
  // They are read from memory, where the core's own stores have to be.
  if (loads && core.raw(CORE.storeBufferCount) !== 0) return 'drain';
  const pdptes = loads ? loadPdptes(machine, core, after.cr3) : undefined;
  return serializing(machine, core, `mov to cr${number}`, () => {
    if (number === 2) core.set('cr2', value);
    if (pdptes !== undefined) setPdptes(core, pdptes);
    apply(machine, core, before, after, number === 3);
  });
};

/** The registers that say in which mode a core is and how it translates. */
interface Control {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

const CONTROL = ['cr0', 'cr3', 'cr4', 'efer'] as const satisfies readonly (keyof Control)[];

const controlOf = (core: Core): Control => ({ cr0: core.get('cr0'), cr3: core.get('cr3'), cr4: core.get('cr4'), efer: core.get('efer') });

/** With `value` in one of them. IA-32e mode begins and ends with paging where EFER.LME is set. */
function controlWith(before: Control, number: ControlRegister, value: bigint): Control {
  if (number === 3) return { ...before, cr3: value };
  if (number === 4) return { ...before, cr4: value };
  if (number !== 0) return before;
  const cr0 = (value & CR0_DEFINED) | CR0.et;
  const isLong = (cr0 & CR0_PG) !== 0n && (before.efer & (EFER_LME | EFER_LMA)) !== 0n;
  return { ...before, cr0, efer: (before.efer & ~EFER_LMA) | (isLong ? EFER_LMA : 0n) };
}

/** Whether a value is #GP(0). */
function refuses(machine: MachineParts, core: Core, number: ControlRegister, value: bigint): boolean {
  switch (number) {
    case 0:
      return refusesCr0(machine, core, value);
    case 2:
      return false;
    case 3:
      return (value & CR3_RESERVED) !== 0n;
    case 4:
      // PAE cannot be switched off in IA-32e mode.
      return (value & ~CR4_DEFINED) !== 0n || ((value & CR4.pae) === 0n && (core.get('efer') & EFER_LMA) !== 0n);
    case 8:
      return value > CR8_MASK;
  }
}

/** SDM Vol. 2, "MOV—Move to/from Control Registers"; of IA-32e mode Vol. 3, "Initializing IA-32e Mode". */
function refusesCr0(machine: MachineParts, core: Core, value: bigint): boolean {
  if (value >> 32n !== 0n) return true;
  if ((value & CR0.nw) !== 0n && (value & CR0.cd) === 0n) return true;
  const pages = (value & CR0_PG) !== 0n;
  if (pages && (value & CR0_PE) === 0n) return true;
  const [paged, efer] = [(core.get('cr0') & CR0_PG) !== 0n, core.get('efer')];
  // Paging cannot be switched off in 64-bit mode.
  if (paged && !pages) return (efer & EFER_LMA) !== 0n && core.mode === 0;
  if (paged || !pages || (efer & EFER_LME) === 0n) return false;
  return (core.get('cr4') & CR4.pae) === 0n || (core.small('csRights') & RIGHTS.long) !== 0 || hasTss16(machine, core);
}

function loadsPdptes(before: Control, after: Control, number: ControlRegister): boolean {
  if (!isPae(after)) return false;
  if (number === 3) return true;
  return ((before.cr0 ^ after.cr0) & CR0_LOADS) !== 0n || ((before.cr4 ^ after.cr4) & CR4_LOADS) !== 0n;
}

/** #GP(0) where the processor refuses what CR3 points to. */
function loadPdptes(machine: MachineParts, core: Core, cr3: bigint): readonly bigint[] {
  const pdptes = readPdptes(cr3, (at) => {
    if (at + 8 <= machine.engine.map.ramBytes) return machine.readPhysical(at, 8);
    throw new TextpokeError('E_GUEST', `there is no memory at physical address 0x${at.toString(16)}, where CR3 points to with PAE paging`, {
      where: `core ${core.index}, rip 0x${core.get('rip').toString(16)}`,
      hint: 'give the machine more RAM, or check what the guest loads into CR3',
    });
  });
  if (pdptes === undefined) throw new GuestFault(Vector.GP);
  return pdptes;
}

function apply(machine: MachineParts, core: Core, before: Control, after: Control, forgets: boolean): void {
  for (const name of CONTROL) core.set(name, after[name]);
  const changed = (name: 'cr0' | 'cr4' | 'efer', bits: bigint): boolean => ((before[name] ^ after[name]) & bits) !== 0n;
  const otherRules = changed('cr0', CR0_PG | CR0_WP) || changed('cr4', CR4_PAGING);
  // Changing PGE forgets global translations too, as everything here does.
  if (forgets || otherRules || changed('cr4', CR4.pge)) machine.flushTlb(core, otherRules);
  if (changed('cr0', CR0_PE) || changed('efer', EFER_LMA)) updateMode(machine, core);
}

export const clts: SystemHelper = (_machine, core) => {
  requireCpl0(core);
  core.set('cr0', core.get('cr0') & ~CR0.ts);
  return 'next';
};

/** A register takes as much of CR0 as it holds, memory 16 bits. */
export const smsw: SystemHelper = (_machine, core, instruction, fields) => {
  requireUmip(core);
  writeOperand(core, instruction, fields, 0, core.get('cr0'), 16);
  return 'next';
};

/** Loads PE, MP, EM and TS; PE can be set but not cleared. */
export const lmsw: SystemHelper = (machine, core, instruction, fields) => {
  requireCpl0(core);
  const word = readOperand(core, instruction, fields, 0, 16) & 0xfn;
  const before = controlOf(core);
  apply(machine, core, before, { ...before, cr0: (before.cr0 & ~0xen) | word }, false);
  return 'next';
};
