import { summarized } from '../../isa/helpers/x87-word.ts';
import type { Instruction } from '../../isa/instruction.ts';
import type { Core } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { isProtected } from '../segmentation.ts';
import { StateArea } from './state-area.ts';
import { fullTags, initializeWords, loadRegister, putRegisters, putWords, shortTags, storeRegister, type X87Words } from './x87-image.ts';

/**
 * FNSTENV, FLDENV, FNSAVE and FRSTOR (SDM Vol. 1, "Saving the x87 FPU's State"). The image has seven fields of 16 or 32 bits; selectors are stored as zero
 * (CPUID says so), addresses lose what does not fit. In real mode what does not fit goes with the opcode, or where protected mode has a selector.
 */

const REGISTER_BYTES = 10;

/** Bytes of a field: the operand size decides. */
const fieldBytes = (instruction: Instruction): 2 | 4 => (instruction.operands[0]?.size === 16 ? 2 : 4);

/** Bits 16 to 31 of an address as real mode stores them: from bit 12 on. With fields of 16 bits four of them fit. */
const realUpper = (address: bigint): bigint => (address >> 4n) & 0xffff000n;
const fromReal = (lower: bigint, upper: bigint): bigint => (lower & 0xffffn) | ((upper & 0xffff000n) << 4n);

function storeEnvironment(core: Core, area: StateArea, bytes: 2 | 4): void {
  const upper = bytes === 4 ? 0xffff0000n : 0n;
  const words = [core.get('fcw'), core.get('fsw'), fullTags(core)].map((word) => upper | word);
  const [opcode, instruction, data] = [core.get('fop'), core.get('fip'), core.get('fdp')];
  const pointers = isProtected(core)
    ? [instruction, bytes === 4 ? opcode << 16n : 0n, data, upper]
    : [upper | (instruction & 0xffffn), realUpper(instruction) | opcode, upper | (data & 0xffffn), realUpper(data)];
  [...words, ...pointers].forEach((value, n) => area.store(n * bytes, bytes, value));
}

/** The environment of an image of `all` bytes. Behind the first field its last byte is looked at: as recorded. */
function loadEnvironment(core: Core, area: StateArea, bytes: 2 | 4, all: number): X87Words {
  const first = area.load(0, bytes);
  area.load(all - 1, 1);
  const isReal = !isProtected(core);
  const rest = (isReal ? [1, 2, 3, 4, 5, 6] : [1, 2, 3, 4, 5]).map((n) => area.load(n * bytes, bytes));
  const [control, status, tags, instruction, opcode, data, upper = 0n] = [first, ...rest] as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  if (isReal) {
    const pointers = { opcode, instruction: fromReal(instruction, opcode), data: fromReal(data, upper) };
    return { control: control & 0xffffn, status, tags: shortTags(tags), ...pointers };
  }
  return {
    control: control & 0xffffn,
    status,
    tags: shortTags(tags),
    instruction,
    opcode: bytes === 4 ? opcode >> 16n : 0n,
    data,
  };
}

/** Masks all exceptions behind what it stores. */
export const fnstenv: SystemHelper = (_machine, core, instruction, fields) => {
  const area = new StateArea(core, instruction, fields, 1);
  const bytes = fieldBytes(instruction);
  area.probe(0, bytes - 1, 7 * bytes - 1);
  storeEnvironment(core, area, bytes);
  const control = core.get('fcw') | 0x3fn;
  core.set('fcw', control);
  core.set('fsw', summarized(Number(control), Number(core.get('fsw'))));
  return 'next';
};

export const fldenv: SystemHelper = (_machine, core, instruction, fields) => {
  const bytes = fieldBytes(instruction);
  putWords(core, loadEnvironment(core, new StateArea(core, instruction, fields, 1), bytes, 7 * bytes));
  return 'next';
};

/** Initializes the FPU behind what it stores. */
export const fnsave: SystemHelper = (_machine, core, instruction, fields) => {
  const area = new StateArea(core, instruction, fields, 1);
  const bytes = fieldBytes(instruction);
  area.probe(0, bytes - 1, 7 * bytes + 8 * REGISTER_BYTES - 1);
  storeEnvironment(core, area, bytes);
  for (let n = 0; n < 8; n++) storeRegister(core, area, 7 * bytes + n * REGISTER_BYTES, n);
  initializeWords(core);
  return 'next';
};

export const frstor: SystemHelper = (_machine, core, instruction, fields) => {
  const area = new StateArea(core, instruction, fields, 1);
  const bytes = fieldBytes(instruction);
  const words = loadEnvironment(core, area, bytes, 7 * bytes + 8 * REGISTER_BYTES);
  const registers = Array.from({ length: 8 }, (_, n) => loadRegister(area, 7 * bytes + n * REGISTER_BYTES));
  putWords(core, words);
  putRegisters(core, registers);
  return 'next';
};
