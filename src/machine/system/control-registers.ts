import { Vector } from '../../isa/core-state.ts';
import { type Core, GuestFault } from '../core.ts';
import { CR0_PG, CR0_WP, PHYSICAL_BITS } from '../paging.ts';
import type { MachineParts, SystemHelper } from '../parts.ts';
import { CR4, requireCpl0, requireUmip, serializing } from './checks.ts';
import { readOperand, writeOperand } from './operands.ts';

/** MOV to and from control registers, CLTS, SMSW, LMSW (SDM Vol. 3, "Control Registers"). */

const CR0 = { pe: 1n, ts: 1n << 3n, et: 1n << 4n, nw: 1n << 29n, cd: 1n << 30n } as const;
/** PE MP EM TS ET NE WP AM NW CD PG. */
const CR0_DEFINED = 0xe005003fn;
const CR4_DEFINED = Object.values(CR4).reduce((a, b) => a | b);
const CR4_PAGING = CR4.pse | CR4.pae | CR4.pge | CR4.smep | CR4.smap;
const CR3_RESERVED = 0xffffffffffffffffn & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);

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
  check(core, number, value);
  if (number === 8) {
    core.set('cr8', value);
    return 'nextAndLook';
  }
  return serializing(machine, core, `mov to cr${number}`, () => apply(machine, core, number, value));
};

/** #GP(0) for values that 64-bit mode does not allow. */
function check(core: Core, number: ControlRegister, value: bigint): void {
  const bad =
    number === 0
      ? badCr0(core, value)
      : number === 3
        ? (value & CR3_RESERVED) !== 0n
        : number === 4
          ? (value & ~CR4_DEFINED) !== 0n || (value & CR4.pae) === 0n
          : number === 8
            ? value > CR8_MASK
            : false;
  if (bad) throw new GuestFault(Vector.GP);
}

function badCr0(core: Core, value: bigint): boolean {
  if (value >> 32n !== 0n) return true;
  if ((value & CR0.nw) !== 0n && (value & CR0.cd) === 0n) return true;
  // Paging, and with it protection, cannot be switched off in 64-bit mode.
  return (core.get('cr0') & CR0_PG) !== 0n && (value & (CR0_PG | CR0.pe)) !== (CR0_PG | CR0.pe);
}

function apply(machine: MachineParts, core: Core, number: ControlRegister, value: bigint): void {
  const old = core.get(NAMES[number]);
  const next = number === 0 ? (value & CR0_DEFINED) | CR0.et : value;
  core.set(NAMES[number], next);
  const translating =
    number === 3 || (number === 0 && ((old ^ next) & (CR0_PG | CR0_WP)) !== 0n) || (number === 4 && ((old ^ next) & CR4_PAGING) !== 0n);
  if (translating) machine.flushTlb(core);
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
export const lmsw: SystemHelper = (_machine, core, instruction, fields) => {
  requireCpl0(core);
  const word = readOperand(core, instruction, fields, 0, 16) & 0xfn;
  core.set('cr0', (core.get('cr0') & ~0xen) | word);
  return 'next';
};
