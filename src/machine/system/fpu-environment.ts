import { summarized } from '../../isa/helpers/x87-word.ts';
import type { Instruction } from '../../isa/instruction.ts';
import type { Core } from '../core.ts';
import type { SystemHelper } from '../parts.ts';
import { StateArea } from './state-area.ts';
import { fullTags, initializeWords, loadRegister, putRegisters, putWords, shortTags, storeRegister, type X87Words } from './x87-image.ts';

/**
 * FNSTENV, FLDENV, FNSAVE and FRSTOR (SDM Vol. 1, "Saving the x87 FPU's State"). The image has seven fields of 16 or 32 bits; selectors are stored as zero
 * (CPUID says so), addresses lose what does not fit.
 */

const REGISTER_BYTES = 10;

/** Bytes of a field: the operand size decides. */
const fieldBytes = (instruction: Instruction): 2 | 4 => (instruction.operands[0]?.size === 16 ? 2 : 4);

function storeEnvironment(core: Core, area: StateArea, bytes: 2 | 4): void {
  const upper = bytes === 4 ? 0xffff0000n : 0n;
  const opcode = bytes === 4 ? core.get('fop') << 16n : 0n;
  const fields = [
    upper | core.get('fcw'),
    upper | core.get('fsw'),
    upper | fullTags(core),
    core.get('fip'),
    opcode,
    core.get('fdp'),
    upper,
  ];
  fields.forEach((value, n) => area.store(n * bytes, bytes, value));
}

function loadEnvironment(area: StateArea, bytes: 2 | 4): X87Words {
  const [control, status, tags, instruction, opcode, data] = [0, 1, 2, 3, 4, 5].map((n) => area.load(n * bytes, bytes)) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
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
  area.probe(7 * bytes);
  storeEnvironment(core, area, bytes);
  const control = core.get('fcw') | 0x3fn;
  core.set('fcw', control);
  core.set('fsw', summarized(Number(control), Number(core.get('fsw'))));
  return 'next';
};

export const fldenv: SystemHelper = (_machine, core, instruction, fields) => {
  putWords(core, loadEnvironment(new StateArea(core, instruction, fields, 1), fieldBytes(instruction)));
  return 'next';
};

/** Initializes the FPU behind what it stores. */
export const fnsave: SystemHelper = (_machine, core, instruction, fields) => {
  const area = new StateArea(core, instruction, fields, 1);
  const bytes = fieldBytes(instruction);
  area.probe(7 * bytes + 8 * REGISTER_BYTES);
  storeEnvironment(core, area, bytes);
  for (let n = 0; n < 8; n++) storeRegister(core, area, 7 * bytes + n * REGISTER_BYTES, n);
  initializeWords(core);
  return 'next';
};

export const frstor: SystemHelper = (_machine, core, instruction, fields) => {
  const area = new StateArea(core, instruction, fields, 1);
  const bytes = fieldBytes(instruction);
  const words = loadEnvironment(area, bytes);
  const registers = Array.from({ length: 8 }, (_, n) => loadRegister(area, 7 * bytes + n * REGISTER_BYTES));
  putWords(core, words);
  putRegisters(core, registers);
  return 'next';
};
